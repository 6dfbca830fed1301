//! Requests of the driver, and the Pods that they are decided by.

use svid_core::identity::ServiceAccount;
use svid_core::policy::NodeAttestation;

use super::*;

const POD: &str = "/api/v1/namespaces/payments/pods/api-7";

fn node_attested() -> Configuration {
    Configuration {
        attestation: Attestation::Node(NodeAttestation {
            driver: ServiceAccount::new("cert-manager", "driver").unwrap(),
            csi_driver: "spiffe.csi.cert-manager.io".to_owned(),
        }),
        ..configuration()
    }
}

/// What the driver of a node sends for the pod below.
fn asked_from(node: &str, name: &str) -> Value {
    let mut request = right(name);
    request["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "v1", "kind": "Pod", "name": "api-7", "uid": "u"}]);
    request["spec"]["username"] = json!("system:serviceaccount:cert-manager:driver");
    request["spec"]["extra"] = json!({
        "authentication.kubernetes.io/pod-name": ["driver-x"],
        "authentication.kubernetes.io/pod-uid": ["d"],
        "authentication.kubernetes.io/node-name": [node],
        "authentication.kubernetes.io/node-uid": ["n"],
    });
    request
}

fn pod() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": "payments", "name": "api-7", "uid": "u"},
        "spec": {
            "nodeName": "node-1",
            "serviceAccountName": "api",
            "containers": [],
            "volumes": [{"name": "a", "csi": {"driver": "spiffe.csi.cert-manager.io"}}],
        },
        "status": {"phase": "Pending"},
    })
}

fn message(object: &Value) -> &str {
    object["status"]["conditions"][0]["message"]
        .as_str()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_pod_of_the_drivers_node_is_read_once_and_approved() {
    let fake = Fake::default();
    fake.put(POD, pod());
    let approver = Running::start(&fake, "a", node_attested());
    fake.put(&path("x"), asked_from("node-1", "x"));
    let object = fake.until(&path("x"), is("Approved")).await;
    assert!(message(&object).ends_with("spiffe://cluster.local/ns/payments/sa/api"));
    assert_eq!(fake.calls("GET /api/v1/namespaces/payments/pods"), 1);
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_being_deleted_may_still_renew_and_one_that_has_ended_may_not() {
    let fake = Fake::default();
    let mut pod = pod();
    pod["metadata"]["deletionTimestamp"] = json!("2026-11-23T10:00:00Z");
    pod["status"]["phase"] = json!("Running");
    fake.put(POD, pod.clone());
    let approver = Running::start(&fake, "a", node_attested());
    fake.put(&path("x"), asked_from("node-1", "x"));
    fake.until(&path("x"), is("Approved")).await;
    pod["status"]["phase"] = json!("Succeeded");
    fake.put(POD, pod);
    fake.put(&path("y"), asked_from("node-1", "y"));
    let object = fake.until(&path("y"), is("Denied")).await;
    assert!(message(&object).contains("has ended"), "{object}");
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_pod_of_another_node_and_one_that_does_not_exist_are_denied() {
    let fake = Fake::default();
    let approver = Running::start(&fake, "a", node_attested());
    fake.put(&path("none"), asked_from("node-1", "none"));
    let object = fake.until(&path("none"), is("Denied")).await;
    assert!(message(&object).contains("does not exist"), "{object}");
    fake.put(POD, pod());
    fake.put(&path("other"), asked_from("node-2", "other"));
    let object = fake.until(&path("other"), is("Denied")).await;
    assert!(message(&object).contains("node-2"), "{object}");
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_denied_anyway_costs_no_reading_of_a_pod() {
    let fake = Fake::default();
    fake.put(POD, pod());
    let approver = Running::start(&fake, "a", node_attested());
    let mut unclaimed = asked_from("node-1", "x");
    unclaimed["spec"]["extra"] = json!({});
    fake.put(&path("x"), unclaimed);
    fake.put(&path("y"), right("y"));
    let object = fake.until(&path("x"), is("Denied")).await;
    assert!(message(&object).contains("Kubernetes 1.30"), "{object}");
    fake.until(&path("y"), is("Denied")).await;
    assert_eq!(fake.calls("GET /api/v1/namespaces/payments/pods"), 0);
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_cannot_be_read_leaves_the_request_pending_until_it_can() {
    let fake = Fake::default();
    fake.put(POD, pod());
    for effect in [
        Effect::Status(403, None),
        Effect::Status(500, None),
        Effect::Status(429, Some(3)),
        Effect::Hang,
        Effect::LoseAnswer,
    ] {
        fake.inject("GET /api/v1/namespaces/payments/pods", effect);
    }
    let approver = Running::start(&fake, "a", node_attested());
    fake.put(&path("x"), asked_from("node-1", "x"));
    fake.until(&path("x"), is("Approved")).await;
    assert_eq!(approver.metrics.pod_errors.get(), 5);
    assert_eq!(approver.metrics.errors.get(), 0);
    assert_eq!(fake.calls("PATCH"), 1);
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_changes_under_the_decision_is_judged_by_its_pod_anew() {
    let fake = Fake::default();
    fake.put(POD, pod());
    fake.inject(
        "PATCH",
        Effect::ChangeFirst(json!({"metadata": {"labels": {"a": "b"}}})),
    );
    let approver = Running::start(&fake, "a", node_attested());
    fake.put(&path("x"), asked_from("node-1", "x"));
    fake.until(&path("x"), is("Approved")).await;
    assert_eq!(fake.calls("GET /api/v1/namespaces/payments/pods"), 2);
    approver.stop().await;
}
