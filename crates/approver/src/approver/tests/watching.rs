//! What the watch brings, and what it does not.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_request_that_is_gone_is_forgotten() {
    let world = World::new();
    world.inject("patch", &resource::CERTIFICATE_REQUESTS, Answer::NotFound);
    world.inject("get", &resource::CERTIFICATE_REQUESTS, Answer::NotFound);
    world.put(&key("x"), right("x"));
    let approver = Running::start(&world, "a", configuration());
    world.put(&key("y"), right("y"));
    world.until(&key("y"), is("Approved")).await;
    world.delete(&key("x"));
    sleep(Duration::from_secs(120)).await;
    assert_eq!(approver.metrics.errors.get(), 0);
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_broken_object_does_not_hide_the_others() {
    let world = World::new();
    let mut broken = right("broken");
    broken["spec"]["extra"] = json!("not a map");
    world.put(&key("broken"), broken);
    world.put(&key("x"), right("x"));
    let approver = Running::start(&world, "a", configuration());
    world.until(&key("x"), is("Approved")).await;
    assert_eq!(approver.metrics.unreadable.get(), 1);
    assert_eq!(decision(&world.object(&key("broken")).unwrap()), None);
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_watch_misses_nothing() {
    let world = World::new();
    let approver = Running::start(&world, "a", configuration());
    for name in ["one", "two", "three"] {
        world.put(&key(name), right(name));
        world.until(&key(name), is("Approved")).await;
        world.cut_watches();
        tokio::task::yield_now().await;
    }
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_has_gone_silent_misses_nothing() {
    let world = World::new();
    let approver = Running::start(&world, "a", configuration());
    world.put(&key("one"), right("one"));
    world.until(&key("one"), is("Approved")).await;
    world.mute_watches();
    let silent = Instant::now();
    world.put(&key("two"), right("two"));
    world.until(&key("two"), is("Approved")).await;
    assert!(silent.elapsed() > Duration::from_secs(30), "it was told");
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn requests_in_a_store_that_was_set_back_are_decided_within_90_seconds() {
    let world = World::new();
    let approver = Running::start(&world, "a", configuration());
    world
        .until(&lease(), |lease| lease["spec"]["holderIdentity"] == "a")
        .await;
    let backup = world.put(&key("one"), right("one"));
    world.until(&key("one"), is("Approved")).await;
    for at in 0..300 {
        let name = format!("r{at:03}");
        world.put(&key(&name), approved(&name));
    }
    // A watch has just been opened.
    sleep(Duration::from_secs(31)).await;
    world.set_store_back(&backup);
    assert_eq!(decision(&world.object(&key("one")).unwrap()), None);
    let set_back = Instant::now();
    world.put(&key("two"), right("two"));
    world.until(&key("one"), is("Approved")).await;
    world.until(&key("two"), is("Approved")).await;
    let elapsed = set_back.elapsed();
    assert!(elapsed <= Duration::from_secs(90), "{elapsed:?}");
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn requests_on_a_later_page_of_the_list_are_decided() {
    let world = World::new();
    for at in 0..501 {
        let name = format!("r{at:03}");
        let request = if at < 500 {
            approved(&name)
        } else {
            right(&name)
        };
        world.put(&key(&name), request);
    }
    let approver = Running::start(&world, "a", configuration());
    world.until(&key("r500"), is("Approved")).await;
    assert_eq!(world.calls("list", &resource::CERTIFICATE_REQUESTS), 2);
    approver.stop().await;
}
