//! Requests that change while they are decided on.

use super::*;

/// Starts an approver for the right request `x`, which changes before its decision is written.
fn start_before(world: &World, change: Value) -> Running {
    world.inject(
        "patch",
        &resource::CERTIFICATE_REQUESTS,
        Answer::ChangeFirst(change),
    );
    world.put(&key("x"), right("x"));
    Running::start(world, "a", configuration())
}

#[tokio::test(start_paused = true)]
async fn a_request_that_changes_under_the_decision_is_judged_anew() {
    let world = World::new();
    let edited = json!({
        "spec": { "isCA": false },
    });
    let approver = start_before(&world, edited);
    let object = world.until(&key("x"), is("Denied")).await;
    let message = message(&object);
    assert!(message.contains("edited"), "{message}");
    assert_eq!(approver.metrics.conflicts.get(), 1);
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_somebody_else_decides_meanwhile_is_left_to_them() {
    let world = World::new();
    let denied = json!({ "status": { "conditions": [
        { "type": "Denied", "status": "True", "reason": "x" }
    ] } });
    let approver = start_before(&world, denied);
    world.until(&key("x"), is("Denied")).await;
    sleep(Duration::from_secs(120)).await;
    assert_eq!(world.decisions(), 1);
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_annotation_that_comes_under_the_decision_is_judged_too() {
    let world = World::new();
    let edited = json!({ "metadata": { "annotations": { (annotations::PROFILE): "SUBCA" } } });
    let approver = start_before(&world, edited);
    let object = world.until(&key("x"), is("Denied")).await;
    assert!(
        message(&object).contains(annotations::PROFILE),
        "{}",
        message(&object)
    );
    approver.stop().await;
}
