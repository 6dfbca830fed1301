//! What cert-manager's webhooks write and refuse.

use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use svid_devcluster::{Binding, Identity, Webhooks, resource};

use crate::fixture::{
    administrator, client, cluster, create_request, decide, request_body, request_with, requests,
    till, till_token,
};
use crate::{csr, raw};

fn merge(patch: Value) -> Patch<Value> {
    Patch::Merge(patch)
}

fn code<T: std::fmt::Debug>(outcome: Result<T, kube::Error>) -> u16 {
    match outcome {
        Err(kube::Error::Api(status)) => status.code,
        other => panic!("no API error: {other:?}"),
    }
}

fn approved() -> Value {
    json!({"status": {"conditions": [{
        "type": "Approved", "status": "True", "reason": "r", "message": "m",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }]}})
}

#[tokio::test]
async fn the_requester_is_stamped_over_whatever_it_says_of_itself() {
    let cluster = cluster().await;
    cluster.enroll(&till()).expect("enrolled");
    let identity = Identity::ServiceAccount(till(), Binding::None);
    let requests = requests(&client(&cluster, &identity).await);
    let mut body = request_body("x");
    body["spec"]["username"] = json!("system:serviceaccount:bank:vault");
    body["spec"]["groups"] = json!(["system:masters"]);
    body["spec"]["extra"] = json!({"authentication.kubernetes.io/node-name": ["elsewhere"]});
    let body = serde_json::from_value(body).expect("typed");
    let created = requests
        .create(&PostParams::default(), &body)
        .await
        .expect("created");
    assert_eq!(created.spec.username, "system:serviceaccount:shop:till");
    assert_eq!(
        created.spec.groups,
        [
            "system:serviceaccounts",
            "system:serviceaccounts:shop",
            "system:authenticated"
        ]
    );
    let keys: Vec<&String> = created.spec.extra.keys().collect();
    assert_eq!(keys, ["authentication.kubernetes.io/credential-id"]);
    assert_eq!(created.metadata.generation, Some(1));
    cluster.shutdown().await;
}

#[tokio::test]
async fn without_webhooks_a_requester_says_who_it_is() {
    let cluster = cluster().await;
    let token = till_token(&cluster);
    cluster.configure_webhooks(Webhooks::Absent);
    let mut body = request_body("x");
    body["spec"]["username"] = json!("system:serviceaccount:bank:vault");
    let path = "/apis/cert-manager.io/v1/namespaces/shop/certificaterequests";
    let made = raw::send(&cluster, "POST", path, Some(&token), &body.to_string()).await;
    let made = made.expect("answer");
    assert_eq!(
        made.body["spec"]["username"],
        "system:serviceaccount:bank:vault"
    );
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_specification_is_immutable_unless_validation_is_disabled_for_the_namespace() {
    let cluster = cluster().await;
    create_request(&cluster, "x");
    let requests = requests(&administrator(&cluster).await);
    let edit = merge(json!({"spec": {"username": "system:serviceaccount:bank:vault"}}));
    let refused = requests.patch("x", &PatchParams::default(), &edit).await;
    assert_eq!(code(refused), 403);
    let annotate = |key: &str| merge(json!({"metadata": {"annotations": {key: "y"}}}));
    let own = requests
        .patch("x", &PatchParams::default(), &annotate("cert-manager.io/a"))
        .await;
    assert_eq!(code(own), 403);
    let foreign = annotate("spiffe.csi.cert-manager.io/identity");
    let foreign = requests
        .patch("x", &PatchParams::default(), &foreign)
        .await
        .expect("allowed");
    assert_eq!(
        foreign.metadata.generation,
        Some(1),
        "metadata does not count"
    );

    let label = json!({"metadata": {"labels": {"cert-manager.io/disable-validation": "true"}}});
    cluster
        .objects()
        .merge(&resource::NAMESPACES, "", "shop", &label)
        .expect("labelled");
    let edited = requests
        .patch("x", &PatchParams::default(), &edit)
        .await
        .expect("edited");
    assert_eq!(edited.spec.username, "system:serviceaccount:bank:vault");
    assert_eq!(edited.metadata.generation, Some(2), "and it shows");
    cluster.shutdown().await;
}

#[tokio::test]
async fn status_and_specification_are_written_through_their_own_paths_only() {
    let cluster = cluster().await;
    cluster.enroll(&till()).expect("enrolled");
    let requests = requests(&administrator(&cluster).await);
    let mut body = request_body("x");
    body["status"] = approved()["status"].clone();
    let body = serde_json::from_value(body).expect("typed");
    let created = requests
        .create(&PostParams::default(), &body)
        .await
        .expect("created");
    assert!(created.status.is_none(), "a status cannot be set at create");
    let unchanged = requests
        .patch("x", &PatchParams::default(), &merge(approved()))
        .await;
    assert!(unchanged.expect("ignored").status.is_none());
    let mut both = approved();
    both["spec"] = json!({"isCA": true});
    both["metadata"] = json!({"labels": {"a": "b"}});
    let patched = requests
        .patch_status("x", &PatchParams::default(), &merge(both))
        .await;
    let patched = patched.expect("patched");
    assert!(patched.status.is_some());
    assert_eq!((patched.spec.is_ca, patched.metadata.labels), (None, None));
    assert_eq!(patched.metadata.generation, Some(1));
    cluster.shutdown().await;
}

#[tokio::test]
async fn an_approval_needs_the_right_to_approve_and_stays() {
    let cluster = cluster().await;
    create_request(&cluster, "x");
    let driver = requests(&client(&cluster, &Identity::Driver).await);
    let refused = driver
        .patch_status("x", &PatchParams::default(), &merge(approved()))
        .await;
    assert_eq!(code(refused), 403, "the driver may not write a status");

    let approver = requests(&client(&cluster, &Identity::Approver).await);
    let patched = approver
        .patch_status("x", &PatchParams::default(), &merge(approved()))
        .await;
    patched.expect("approved");
    for taken_back in [
        json!({"status": {"conditions": []}}),
        json!({"status": {"conditions": [{"type": "Denied", "status": "True"}]}}),
        json!({"status": {"conditions": [{"type": "Approved", "status": "False"}]}}),
    ] {
        let patch = merge(taken_back.clone());
        let refused = approver
            .patch_status("x", &PatchParams::default(), &patch)
            .await;
        assert_eq!(code(refused), 403, "{taken_back}");
    }
    create_request(&cluster, "y");
    for wrong in [
        json!([{"type": "Approved", "status": "True"}, {"type": "Denied", "status": "True"}]),
        json!([{"type": "Approved", "status": "Unknown"}]),
    ] {
        let patch = merge(json!({"status": {"conditions": wrong}}));
        let refused = approver
            .patch_status("y", &PatchParams::default(), &patch)
            .await;
        assert_eq!(code(refused), 403, "{wrong}");
    }
    cluster.shutdown().await;
}

#[tokio::test]
async fn who_may_write_the_status_may_still_not_approve_for_every_issuer() {
    let cluster = cluster().await;
    create_request(&cluster, "x");
    let approver = &cluster.options().approver;
    cluster.permissions().revoke(&approver.into());
    cluster.permissions().grant(svid_devcluster::Grant {
        subject: approver.into(),
        reach: svid_devcluster::Reach::Cluster,
        rules: vec![
            svid_devcluster::Rule::new("cert-manager.io", "certificaterequests/status", &["patch"]),
            svid_devcluster::Rule::new("cert-manager.io", "signers", &["approve"])
                .named("clusterissuers.cert-manager.io/other"),
        ],
    });
    let requests = requests(&client(&cluster, &Identity::Approver).await);
    let refused = requests
        .patch_status("x", &PatchParams::default(), &merge(approved()))
        .await;
    assert_eq!(code(refused), 403);
    cluster.permissions().grant(svid_devcluster::Grant {
        subject: approver.into(),
        reach: svid_devcluster::Reach::Cluster,
        rules: vec![
            svid_devcluster::Rule::new("cert-manager.io", "signers", &["approve"])
                .named("clusterissuers.cert-manager.io/spiffe-ca"),
        ],
    });
    let patched = requests
        .patch_status("x", &PatchParams::default(), &merge(approved()))
        .await;
    patched.expect("approved");
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_request_without_a_sound_csr_is_refused() {
    let cluster = cluster().await;
    cluster.enroll(&till()).expect("enrolled");
    let create = |body: Value| {
        let outcome = cluster
            .objects()
            .create(&resource::CERTIFICATE_REQUESTS, "shop", body);
        outcome.map_err(|refused| refused.code()).map(drop)
    };
    assert_eq!(create(request_with("x", "no PEM")), Err(403));
    let label = |value: &str| {
        let label = json!({"metadata": {"labels": {"cert-manager.io/disable-validation": value}}});
        let labelled = cluster
            .objects()
            .merge(&resource::NAMESPACES, "", "shop", &label);
        labelled.expect("labelled");
    };
    label("true");
    assert_eq!(create(request_with("unchecked", "no PEM")), Ok(()));
    label("false");
    let forged = csr::signed_by_another("spiffe://cluster.local/ns/shop/sa/till");
    assert_eq!(create(request_with("x", &forged)), Err(403));
    let mut body = request_body("x");
    body["spec"]["request"] = json!("%%%");
    assert_eq!(create(body), Err(403));
    let mut body = request_body("x");
    body["spec"]["issuerRef"] = json!({});
    assert_eq!(create(body), Err(422));
    let mut body = request_body("x");
    body["spec"]["isCA"] = json!("yes");
    assert_eq!(create(body), Err(422));
    cluster.shutdown().await;
}

#[tokio::test]
async fn requests_go_with_the_pod_that_owns_them() {
    let cluster = cluster().await;
    cluster.enroll(&till()).expect("enrolled");
    let objects = cluster.objects();
    let pod = json!({"metadata": {"name": "p"}, "spec": {"serviceAccountName": "till"}});
    let pod = objects.create(&resource::PODS, "shop", pod).expect("pod");
    let mut body = request_body("x");
    body["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "v1", "kind": "Pod", "name": "p", "uid": pod["metadata"]["uid"],
    }]);
    objects
        .create(&resource::CERTIFICATE_REQUESTS, "shop", body)
        .expect("request");
    decide(&cluster, "x", "Denied");
    objects
        .delete(&resource::PODS, "shop", "p")
        .expect("deleted");
    assert!(
        objects
            .read(&resource::CERTIFICATE_REQUESTS, "shop", "x")
            .is_none()
    );
    cluster.shutdown().await;
}
