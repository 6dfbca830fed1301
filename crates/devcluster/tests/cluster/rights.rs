//! Who is let in, and to what.

use kube::api::PostParams;
use serde_json::json;
use svid_devcluster::{Binding, Identity, ServiceAccountName, resource};

use crate::fixture::{client, cluster, request_body, requests, till, till_token, token};
use crate::raw;

const REQUESTS: &str = "/apis/cert-manager.io/v1/namespaces/shop/certificaterequests";

#[tokio::test]
async fn a_bad_token_is_401_and_no_token_is_a_stranger() {
    let cluster = cluster().await;
    let bad = raw::send(&cluster, "GET", REQUESTS, Some("a.b.c"), "")
        .await
        .expect("answer");
    assert_eq!(
        (bad.code, bad.body["reason"].as_str()),
        (401, Some("Unauthorized"))
    );
    assert_eq!(bad.body["kind"], "Status");
    let stranger = raw::send(&cluster, "GET", REQUESTS, None, "")
        .await
        .expect("answer");
    assert_eq!(
        (stranger.code, stranger.body["reason"].as_str()),
        (403, Some("Forbidden"))
    );
    let message = stranger.body["message"].as_str().expect("message");
    assert!(
        message.contains("User \"system:anonymous\" cannot list"),
        "{message}"
    );
    cluster.shutdown().await;
}

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
async fn a_workload_creates_requests_only_if_it_may_and_only_at_home() {
    let cluster = cluster().await;
    let rightless = ServiceAccountName::new("shop", "rightless");
    cluster.add_service_account(&rightless).expect("account");
    let token = token(
        &cluster,
        &Identity::ServiceAccount(rightless, Binding::None),
    );
    let body = request_body("x").to_string();
    let refused = raw::send(&cluster, "POST", REQUESTS, Some(&token), &body)
        .await
        .expect("answer");
    assert_eq!(refused.code, 403, "{refused:?}");
    assert_eq!(
        refused.body["details"]["kind"],
        "certificaterequests.cert-manager.io"
    );
    let token = till_token(&cluster);
    let made = raw::send(&cluster, "POST", REQUESTS, Some(&token), &body)
        .await
        .expect("answer");
    assert_eq!(made.code, 201, "{made:?}");
    let elsewhere = REQUESTS.replace("shop", "default");
    let refused = raw::send(&cluster, "POST", &elsewhere, Some(&token), &body)
        .await
        .expect("answer");
    assert_eq!(refused.code, 403);
    let read = raw::send(&cluster, "GET", &format!("{REQUESTS}/x"), Some(&token), "").await;
    assert_eq!(
        read.expect("answer").code,
        403,
        "a workload may not even read its request"
    );
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
async fn a_token_request_makes_a_token_bound_to_the_pod() {
    let cluster = cluster().await;
    cluster.enroll(&till()).expect("enrolled");
    let pod = json!({"metadata": {"name": "till-0"}, "spec": {"serviceAccountName": "till", "nodeName": "node-1"}});
    let pod = cluster
        .objects()
        .create(&resource::PODS, "shop", pod)
        .expect("pod");
    let administrator = token(&cluster, &Identity::Administrator);
    let path = "/api/v1/namespaces/shop/serviceaccounts/till/token";
    let body = |uid: &str, seconds: u64| {
        json!({"spec": {"audiences": [""], "expirationSeconds": seconds, "boundObjectRef": {
            "kind": "Pod", "name": "till-0", "uid": uid,
        }}})
        .to_string()
    };
    let uid = pod["metadata"]["uid"].as_str().expect("uid");
    let made = raw::send(
        &cluster,
        "POST",
        path,
        Some(&administrator),
        &body(uid, 600),
    )
    .await;
    let made = made.expect("answer");
    assert_eq!(made.code, 201, "{made:?}");
    let bound = made.body["status"]["token"]
        .as_str()
        .expect("token")
        .to_owned();
    let request = request_body("x").to_string();
    let created = raw::send(&cluster, "POST", REQUESTS, Some(&bound), &request).await;
    let created = created.expect("answer");
    let extra = &created.body["spec"]["extra"];
    assert_eq!(extra["authentication.kubernetes.io/pod-uid"], json!([uid]));
    for (uid, seconds, code) in [("another", 600, 409), (uid, 599, 422)] {
        let refused = raw::send(
            &cluster,
            "POST",
            path,
            Some(&administrator),
            &body(uid, seconds),
        )
        .await;
        assert_eq!(refused.expect("answer").code, code);
    }
    let own = raw::send(&cluster, "POST", path, Some(&bound), &body(uid, 600)).await;
    assert_eq!(own.expect("answer").code, 403, "a pod may not make tokens");
    cluster
        .objects()
        .delete(&resource::PODS, "shop", "till-0")
        .expect("deleted");
    let late = raw::send(&cluster, "POST", REQUESTS, Some(&bound), &request).await;
    assert_eq!(
        late.expect("answer").code,
        401,
        "the token died with its pod"
    );
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
