//! Who is let in, and to what, beyond what a real server does alike.

use kube::api::PostParams;
use serde_json::json;
use svid_devcluster::{Identity, Webhooks};

use crate::fixture::{client, cluster, request_body, requests, till, till_token, token};
use crate::raw;

const REQUESTS: &str = "/apis/cert-manager.io/v1/namespaces/shop/certificaterequests";

#[tokio::test]
async fn a_path_can_stand_for_a_token_where_a_client_sends_none_over_plain_http() {
    let cluster = cluster().await;
    let administrator = token(&cluster, &Identity::Administrator);
    for (token, code) in [(administrator.as_str(), 200), ("guessed", 401), ("", 401)] {
        let path = format!("/as/{token}/api/v1/namespaces/default");
        let answer = raw::send(&cluster, "GET", &path, None, "")
            .await
            .expect("answer");
        assert_eq!(answer.code, code, "{token:?}");
    }
    let kubeconfig = cluster
        .kubeconfig(&Identity::Administrator)
        .expect("kubeconfig");
    assert!(kubeconfig.contains(&format!("{}/as/{administrator}", cluster.url())));
    cluster.shutdown().await;
}

#[tokio::test]
async fn the_drivers_kubeconfig_is_that_of_its_pod_on_the_node() {
    let cluster = cluster().await;
    cluster.enroll(&till()).expect("enrolled");
    let requests = requests(&client(&cluster, &Identity::Driver).await);
    let body = serde_json::from_value(request_body("x")).expect("typed");
    let refused = requests.create(&PostParams::default(), &body).await;
    assert!(
        matches!(&refused, Err(kube::Error::Api(status)) if status.code == 403),
        "{refused:?}"
    );
    cluster
        .permissions()
        .grant(svid_devcluster::Roles::node_attested_driver(
            &cluster.options().driver,
        ));
    let created = requests
        .create(&PostParams::default(), &body)
        .await
        .expect("allowed");
    assert_eq!(
        created.spec.username,
        "system:serviceaccount:cert-manager:cert-manager-csi-driver-spiffe"
    );
    let extra =
        |key: &str| created.spec.extra[&format!("authentication.kubernetes.io/{key}")].clone();
    assert_eq!(extra("node-name"), ["node-1"]);
    assert_eq!(extra("pod-name"), ["cert-manager-csi-driver-spiffe-0"]);
    cluster.shutdown().await;
}

#[tokio::test]
async fn requests_are_counted_by_verb_type_and_user() {
    let cluster = cluster().await;
    let token = till_token(&cluster);
    cluster.requests().clear();
    let body = request_body("x").to_string();
    raw::send(&cluster, "POST", REQUESTS, Some(&token), &body)
        .await
        .expect("answer");
    raw::send(&cluster, "POST", REQUESTS, Some(&token), &body)
        .await
        .expect("answer");
    let log = cluster.requests();
    assert_eq!(log.count("create", "certificaterequests"), 2);
    assert_eq!(log.count("delete", "certificaterequests"), 0);
    let codes: Vec<_> = log
        .entries()
        .into_iter()
        .map(|entry| (entry.code, entry.name))
        .collect();
    assert_eq!(
        codes,
        [(Some(201), Some("x".to_owned())), (Some(409), None)]
    );
    assert_eq!(log.count_where(|entry| entry.user == till().username()), 2);
    cluster.shutdown().await;
}

#[tokio::test]
async fn without_webhooks_a_requester_says_who_it_is() {
    let cluster = cluster().await;
    let token = till_token(&cluster);
    cluster.configure_webhooks(Webhooks::Absent);
    let mut body = request_body("x");
    body["spec"]["username"] = json!("system:serviceaccount:bank:vault");
    let made = raw::send(&cluster, "POST", REQUESTS, Some(&token), &body.to_string()).await;
    let made = made.expect("answer");
    assert_eq!(
        made.body["spec"]["username"],
        "system:serviceaccount:bank:vault"
    );
    cluster.shutdown().await;
}
