//! Watches that break, deletes that fail, and answers that take long.

use std::time::Duration;

use tokio::time::sleep;

use super::fake::{Answering, Fault, Verb};
use super::world::{World, spec};
use crate::events::EventReason;
use crate::lifecycle::AnchoringPolicy;
use svid_client::ApiError;

#[tokio::test(start_paused = true)]
async fn a_watch_that_breaks_is_opened_anew_and_the_answer_is_found() {
    let (world, spec) = (World::new(), spec(1));
    world.api.always_answer(Answering::Nothing);
    let busy = ApiError::Throttled { retry_after: None };
    world.api.then_refuse_watch(busy);
    let publish = world.publish_aside(&spec);
    for end in [
        None,
        Some(ApiError::Expired),
        Some(ApiError::Unreachable("reset".to_owned())),
    ] {
        sleep(Duration::from_secs(10)).await;
        world.api.end_watches(end);
    }
    let name = world.api.names()[0].clone();
    world.api.answer(&name, &Answering::Issue(Fault::None));
    publish.await.unwrap().unwrap();
    // It is read before it is watched again, since it may have been answered or deleted in between.
    assert_eq!(world.api.counts(), [1, 4, 4, 0]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_no_watch_tells_is_heard_within_a_minute() {
    let (world, spec) = (World::new(), spec(1));
    world.api.always_answer(Answering::Nothing);
    let publish = world.publish_aside(&spec);
    sleep(Duration::from_secs(5)).await;
    world.api.silence_watches();
    let name = world.api.names()[0].clone();
    world.api.answer(&name, &Answering::Issue(Fault::None));
    sleep(Duration::from_secs(40)).await;
    assert!(publish.is_finished());
    publish.await.unwrap().unwrap();
    assert_eq!(world.api.count(Verb::Create), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_is_read_a_last_time_before_it_is_given_up() {
    let (world, spec) = (World::new(), spec(1));
    world.api.always_answer(Answering::Nothing);
    let publish = world.publish_aside(&spec);
    world.settle().await;
    world.api.silence_watches();
    // The last watch lasts to the end of the wait; only the last read can find the answer.
    sleep(Duration::from_secs(590)).await;
    let name = world.api.names()[0].clone();
    world.api.answer(&name, &Answering::Issue(Fault::None));
    sleep(Duration::from_secs(11)).await;
    assert_eq!(world.api.count(Verb::Create), 1);
    world.svid(&spec);
    drop(publish);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_deleted_while_it_is_not_watched_is_missed_for_seconds_only() {
    for gap in [ApiError::Expired, ApiError::Unreachable("reset".to_owned())] {
        let (world, spec) = (World::new(), spec(1));
        world.api.then_answer(Answering::Nothing);
        let publish = world.publish_aside(&spec);
        sleep(Duration::from_secs(5)).await;
        world.api.end_watches(Some(gap.clone()));
        let name = world.api.names()[0].clone();
        world.api.remove(&name);
        sleep(Duration::from_secs(10)).await;
        assert!(publish.is_finished(), "{gap:?}");
        publish.await.unwrap().unwrap();
        assert_eq!(world.api.count(Verb::Create), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn watches_that_last_and_are_then_cut_do_not_keep_an_answer_waiting() {
    let (world, spec) = (World::new(), spec(1));
    world.api.always_answer(Answering::Nothing);
    let publish = world.publish_aside(&spec);
    for _ in 0..8 {
        sleep(Duration::from_secs(20)).await;
        let reset = ApiError::Unreachable("reset".to_owned());
        world.api.end_watches(Some(reset));
    }
    let name = world.api.names()[0].clone();
    world.api.answer(&name, &Answering::Issue(Fault::None));
    sleep(Duration::from_secs(2)).await;
    world.svid(&spec);
    drop(publish);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ends_every_watch_at_once_is_not_asked_without_pause() {
    let (world, spec) = (World::new(), spec(1));
    world.api.always_answer(Answering::Nothing);
    let _publish = world.publish_aside(&spec);
    for _ in 0..600 {
        sleep(Duration::from_millis(100)).await;
        world.api.end_watches(None);
    }
    let watches = world.api.count(Verb::Follow);
    assert!(watches < 10, "{watches} in a minute");
}

#[tokio::test(start_paused = true)]
async fn deletes_that_fail_for_hours_do_not_keep_a_pod_without_a_certificate() {
    let world = World::with(AnchoringPolicy::Warn, Duration::from_secs(600));
    let spec = spec(1);
    let token = world.token(&spec, "1", Duration::from_secs(100_000));
    world.api.always_delete(Some(ApiError::Failed {
        code: 500,
        message: "webhook".to_owned(),
        retry_after: None,
    }));
    world.publish_with(&spec, token).await.unwrap();
    for _ in 0..60 {
        sleep(Duration::from_secs(120)).await;
        let without = world.tasks.board().without_certificate(world.now());
        assert_eq!(without, 0);
    }
    assert!(world.record(&spec).obsolete().len() <= 9);
    world.api.always_delete(None);
    sleep(Duration::from_secs(200)).await;
    assert!(world.record(&spec).obsolete().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_request_that_takes_long_is_reported_with_what_it_waits_for() {
    let (world, spec) = (World::new(), spec(1));
    world.api.always_answer(Answering::Approve);
    let _publish = world.publish_aside(&spec);
    sleep(Duration::from_secs(29)).await;
    assert!(world.reports.all().is_empty());
    sleep(Duration::from_secs(2)).await;
    assert_eq!(world.reports.reasons(), [EventReason::Pending]);
    let told = format!("{:?}", world.reports.all());
    assert!(told.contains("approved but not signed"), "{told}");
    assert!(
        told.contains("for ClusterIssuer.cert-manager.io/spiffe-ca"),
        "{told}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_pod_does_not_wait_a_third_of_a_day_for_an_issuer_that_never_answers() {
    let day = Duration::from_secs(86_400);
    let (world, spec) = (World::with(AnchoringPolicy::Warn, day), spec(1));
    world.api.always_answer(Answering::Nothing);
    let token = world.token(&spec, "lasting", day * 10);
    let publish = world.publish_aside_with(&spec, token);
    sleep(Duration::from_secs(300)).await;
    // The issuer was mended; what it left pending stays so.
    world.api.always_answer(Answering::Issue(Fault::None));
    sleep(Duration::from_secs(360)).await;
    publish.abort();
    world.svid(&spec);
    assert_eq!(world.api.count(Verb::Create), 2);
}
