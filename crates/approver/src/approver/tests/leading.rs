//! Which process decides, and how it ends.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_standby_is_ready_decides_nothing_and_takes_over_at_once() {
    let world = World::new();
    let a = Running::start(&world, "a", configuration());
    world
        .until(&lease(), |lease| lease["spec"]["holderIdentity"] == "a")
        .await;
    let b = Running::start(&world, "b", configuration());
    world.put(&key("x"), right("x"));
    world.until(&key("x"), is("Approved")).await;
    sleep(Duration::from_secs(30)).await;
    assert!(b.readiness.is_ready());
    assert_eq!(b.metrics.count_decided(DecisionOutcome::Approved), 0);
    a.stop().await;
    let stopped = Instant::now();
    world.put(&key("y"), right("y"));
    world.until(&key("y"), is("Approved")).await;
    assert!(
        stopped.elapsed() <= Duration::from_secs(3),
        "{:?}",
        stopped.elapsed()
    );
    assert_eq!(b.metrics.count_decided(DecisionOutcome::Approved), 1);
    b.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_is_cut_off_decides_nothing_more() {
    let world = World::new();
    let a = Running::start(&world, "a", configuration());
    world
        .until(&lease(), |lease| lease["spec"]["holderIdentity"] == "a")
        .await;
    let b = Running::start(&world, "b", configuration());
    sleep(Duration::from_secs(5)).await;
    world.cut_off("a");
    world.put(&key("x"), right("x"));
    world.until(&key("x"), is("Approved")).await;
    assert_eq!(b.metrics.count_decided(DecisionOutcome::Approved), 1);
    sleep(Duration::from_secs(30)).await;
    assert_eq!(a.metrics.leader.get(), 0);
    world.reconnect("a");
    world.put(&key("y"), right("y"));
    world.until(&key("y"), is("Approved")).await;
    assert_eq!(a.metrics.count_decided(DecisionOutcome::Approved), 0);
    a.stop().await;
    b.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_what_is_under_way_and_gives_the_lease_away() {
    let world = World::new();
    let approver = Running::start(&world, "a", configuration());
    world
        .until(&lease(), |lease| lease["spec"]["holderIdentity"] == "a")
        .await;
    world.inject("patch", &resource::CERTIFICATE_REQUESTS, Answer::Hang);
    world.put(&key("x"), right("x"));
    sleep(Duration::from_millis(100)).await;
    assert_eq!(world.decisions(), 1);
    let told = Instant::now();
    approver.stop().await;
    assert!(
        told.elapsed() <= Duration::from_secs(6),
        "{:?}",
        told.elapsed()
    );
    assert_eq!(
        world.object(&lease()).unwrap()["spec"]["holderIdentity"],
        ""
    );
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_while_nothing_answers_ends_all_the_same() {
    let world = World::new();
    let approver = Running::start(&world, "a", with_map());
    sleep(Duration::from_secs(5)).await;
    world.cut_off("a");
    sleep(Duration::from_secs(1)).await;
    approver.stop().await;
}
