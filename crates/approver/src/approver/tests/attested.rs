//! Requests of the driver, and the Pods that they are decided by.

use super::*;

pub(super) fn pod_key() -> Key {
    Key::new(&resource::PODS, "payments", "api-7")
}

pub(super) fn node_attested() -> Configuration {
    Configuration {
        attestation: svid_corpus::node_attested(),
        ..configuration()
    }
}

/// What the driver of a node sends for the pod below.
pub(super) fn asked_from(world: &World, node: &str, name: &str) -> Value {
    let pod = world.object(&pod_key());
    let uid = pod.map_or(json!("none"), |pod| pod["metadata"]["uid"].clone());
    let mut request = right(name);
    request["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "v1", "kind": "Pod", "name": "api-7", "uid": uid}]);
    request["spec"]["username"] = json!(svid_corpus::DRIVER);
    request["spec"]["extra"] = json!({
        "authentication.kubernetes.io/pod-name": ["driver-x"],
        "authentication.kubernetes.io/pod-uid": ["d"],
        "authentication.kubernetes.io/node-name": [node],
        "authentication.kubernetes.io/node-uid": ["n"],
    });
    request
}

pub(super) fn pod() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": "payments", "name": "api-7"},
        "spec": {
            "nodeName": "node-1",
            "serviceAccountName": "api",
            "containers": [],
            "volumes": [{"name": "a", "csi": {"driver": "spiffe.csi.cert-manager.io"}}],
        },
        "status": {"phase": "Pending"},
    })
}

#[tokio::test(start_paused = true)]
async fn a_pod_of_the_drivers_node_is_read_once_and_approved() {
    let world = World::new();
    world.put(&pod_key(), pod());
    let approver = Running::start(&world, "a", node_attested());
    world.put(&key("x"), asked_from(&world, "node-1", "x"));
    let object = world.until(&key("x"), is("Approved")).await;
    assert!(message(&object).ends_with("spiffe://cluster.local/ns/payments/sa/api"));
    assert_eq!(world.calls("get", &resource::PODS), 1);
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_being_deleted_may_still_renew_and_one_that_has_ended_may_not() {
    let world = World::new();
    let mut pod = pod();
    pod["status"]["phase"] = json!("Running");
    world.put(&pod_key(), pod.clone());
    world.terminate(&pod_key());
    let approver = Running::start(&world, "a", node_attested());
    world.put(&key("x"), asked_from(&world, "node-1", "x"));
    world.until(&key("x"), is("Approved")).await;
    pod["status"]["phase"] = json!("Succeeded");
    world.put(&pod_key(), pod);
    world.put(&key("y"), asked_from(&world, "node-1", "y"));
    let object = world.until(&key("y"), is("Denied")).await;
    assert!(message(&object).contains("has ended"), "{object}");
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_pod_of_another_node_and_one_that_does_not_exist_are_denied() {
    let world = World::new();
    let approver = Running::start(&world, "a", node_attested());
    world.put(&key("none"), asked_from(&world, "node-1", "none"));
    let object = world.until(&key("none"), is("Denied")).await;
    assert!(message(&object).contains("does not exist"), "{object}");
    world.put(&pod_key(), pod());
    world.put(&key("other"), asked_from(&world, "node-2", "other"));
    let object = world.until(&key("other"), is("Denied")).await;
    assert!(message(&object).contains("node-2"), "{object}");
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_denied_anyway_costs_no_reading_of_a_pod() {
    let world = World::new();
    world.put(&pod_key(), pod());
    let approver = Running::start(&world, "a", node_attested());
    let mut unclaimed = asked_from(&world, "node-1", "x");
    unclaimed["spec"]["extra"] = json!({});
    world.put(&key("x"), unclaimed);
    world.put(&key("y"), right("y"));
    let object = world.until(&key("x"), is("Denied")).await;
    assert!(message(&object).contains("Kubernetes 1.30"), "{object}");
    world.until(&key("y"), is("Denied")).await;
    assert_eq!(world.calls("get", &resource::PODS), 0);
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_cannot_be_read_leaves_the_request_pending_until_it_can() {
    let world = World::new();
    world.put(&pod_key(), pod());
    for effect in [
        Answer::Forbidden,
        Answer::InternalError,
        Answer::TooManyRequests { retry_after: 3 },
        Answer::Hang,
        Answer::CloseAfterwards,
    ] {
        world.inject("get", &resource::PODS, effect);
    }
    let approver = Running::start(&world, "a", node_attested());
    world.put(&key("x"), asked_from(&world, "node-1", "x"));
    world.until(&key("x"), is("Approved")).await;
    assert_eq!(approver.metrics.pod_errors.get(), 5);
    assert_eq!(approver.metrics.errors.get(), 0);
    assert_eq!(world.decisions(), 1);
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_changes_under_the_decision_is_judged_by_its_pod_anew() {
    let world = World::new();
    world.put(&pod_key(), pod());
    world.inject(
        "patch",
        &resource::CERTIFICATE_REQUESTS,
        Answer::ChangeFirst(json!({"metadata": {"labels": {"a": "b"}}})),
    );
    let approver = Running::start(&world, "a", node_attested());
    world.put(&key("x"), asked_from(&world, "node-1", "x"));
    world.until(&key("x"), is("Approved")).await;
    assert_eq!(world.calls("get", &resource::PODS), 2);
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn slow_reads_of_a_pod_go_on_while_the_term_is_renewed() {
    let world = World::new();
    world.put(&pod_key(), pod());
    let slow = Answer::Delay(Duration::from_millis(9500));
    world.inject_always(Filter::new("get", resource::PODS.plural), slow);
    let approver = Running::start(&world, "a", node_attested());
    let names = ["a", "b", "c", "d", "e"];
    for name in names {
        // The term is renewed every two seconds, up to ten from then.
        sleep(Duration::from_millis(700)).await;
        world.put(&key(name), asked_from(&world, "node-1", name));
    }
    for name in names {
        world.until(&key(name), is("Approved")).await;
    }
    assert_eq!(world.calls("get", &resource::PODS), names.len());
    approver.stop().await;
}
