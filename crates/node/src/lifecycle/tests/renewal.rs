//! When a certificate is renewed, whatever the clocks say.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::{Instant, sleep};

use super::fake::{Answering, Creating, Fault, Operation, Verb};
use super::world::{LIFETIME, World, published, spec};
use crate::lifecycle::AnchoringPolicy;
use crate::spec::VolumeSpec;
use svid_client::ApiError;
use svid_client::clock::Clock as _;

/// Offers a token that lasts, as a kubelet keeps doing.
async fn lasting(world: &World, spec: &VolumeSpec) {
    let token = world.token(spec, "lasting", LIFETIME * 1000);
    world.publish_with(spec, token).await.unwrap();
}

/// How long after the test's start each request was created.
fn created(world: &World, since: Instant) -> Vec<Duration> {
    let times = world.api.times(Verb::Create);
    times.iter().map(|at| *at - since).collect()
}

#[tokio::test(start_paused = true)]
async fn a_certificate_is_renewed_in_its_window_with_a_new_key_again_and_again() {
    let (world, spec, begun) = (World::new(), spec(1), Instant::now());
    lasting(&world, &spec).await;
    let mut last = (world.set(&spec), world.svid(&spec).serial().to_vec());
    for round in 1..=4 {
        world
            .until("a renewal", |world| {
                world.api.count(Verb::Create) == round + 1
            })
            .await;
        world.settle().await;
        let next = (world.set(&spec), world.svid(&spec).serial().to_vec());
        assert_ne!(next.0.key, last.0.key);
        assert_ne!(next.1, last.1);
        last = next;
        let times = created(&world, begun);
        let waited = times[round] - times[round - 1];
        assert!(
            (LIFETIME * 17 / 30..=LIFETIME * 20 / 30).contains(&(waited + Duration::from_secs(1))),
            "{waited:?}"
        );
        let n = round + 1;
        assert_eq!(world.api.counts(), [n, 0, n, n - 1]);
        assert_eq!(world.api.names(), [world.record(&spec).issued().unwrap()]);
        assert_eq!(world.record(&spec).obsolete(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_previous_request_is_deleted_only_after_the_new_certificate_is_shown() {
    let (world, spec) = (World::new(), spec(1));
    lasting(&world, &spec).await;
    let first = world.api.names()[0].clone();
    world.api.always_answer(Answering::Nothing);
    world
        .until("a renewal", |world| world.api.count(Verb::Create) == 2)
        .await;
    assert!(world.api.names().contains(&first));
    let record = world.record(&spec);
    assert_eq!(record.issued(), Some(&*first));
    let second = record.in_flight().unwrap().to_owned();
    world.api.answer(&second, &Answering::Issue(Fault::None));
    world.settle().await;
    assert_eq!(world.api.names(), [second]);
    assert_eq!(world.volumes.count(Operation::Publish), 2);
}

#[tokio::test(start_paused = true)]
async fn deletions_that_are_not_answered_cost_no_valid_certificate() {
    let (world, spec) = (World::new(), spec(1));
    lasting(&world, &spec).await;
    let hangs = ApiError::TimedOut(Duration::from_secs(10));
    world.api.always_delete(Some(hangs));
    for _ in 0..200 {
        sleep(LIFETIME / 20).await;
        let left = world.svid(&spec).window().end;
        assert!(left > world.clock.now(), "{left} is over");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_success_there_is_a_least_pause_whatever_the_wall_clock_says() {
    let (world, spec, begun) = (World::new(), spec(1), Instant::now());
    lasting(&world, &spec).await;
    world.clock.step(SignedDuration::from_hours(10));
    sleep(LIFETIME / 10 - Duration::from_secs(1)).await;
    assert_eq!(world.api.count(Verb::Create), 1);
    sleep(Duration::from_secs(2)).await;
    let times = created(&world, begun);
    assert_eq!(times.len(), 2, "the clock showed that it had expired");
    assert!(times[1] >= LIFETIME / 10);
}

#[tokio::test(start_paused = true)]
async fn an_issuer_whose_certificates_are_nearly_over_is_not_asked_without_pause() {
    for lasts in [0, 1, 10] {
        let (world, spec) = (World::new(), spec(1));
        let fault = Fault::Lasts(SignedDuration::from_secs(lasts));
        world.api.always_answer(Answering::Issue(fault));
        let token = world.token(&spec, "lasting", LIFETIME * 1000);
        let publish = world.publish_aside_with(&spec, token);
        sleep(Duration::from_secs(60)).await;
        publish.abort();
        let asked = world.api.count(Verb::Create);
        assert!(asked <= 13, "{asked} requests for {lasts} s each");
    }
}

#[tokio::test(start_paused = true)]
async fn a_certificate_is_renewed_at_once_when_the_clock_steps_past_its_time() {
    let (world, spec) = (World::new(), spec(1));
    lasting(&world, &spec).await;
    sleep(LIFETIME / 5).await;
    assert_eq!(world.api.count(Verb::Create), 1);
    world.clock.step(SignedDuration::from_mins(30));
    world.settle().await;
    assert_eq!(world.api.count(Verb::Create), 2);
    world.svid(&spec);
}

#[tokio::test(start_paused = true)]
async fn a_certificate_is_renewed_in_time_although_the_wall_clock_was_set_back() {
    // Right after it was issued, later, and repeatedly.
    for after in [1, 500, 1500] {
        let (world, spec, begun) = (World::new(), spec(1), Instant::now());
        lasting(&world, &spec).await;
        sleep(Duration::from_secs(after)).await;
        world.clock.step(SignedDuration::from_hours(-24));
        world
            .until("a renewal", |world| world.api.count(Verb::Create) == 2)
            .await;
        let waited = created(&world, begun)[1];
        assert!(waited <= LIFETIME * 20 / 30, "{after} s: {waited:?}");
        assert!(waited >= LIFETIME * 16 / 30, "{after} s: {waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_publish_while_the_clock_is_set_back_waits_until_the_certificate_is_valid() {
    let (world, spec) = (World::new(), spec(1));
    lasting(&world, &spec).await;
    sleep(Duration::from_secs(600)).await;
    world.clock.step(SignedDuration::from_secs(-630));
    let asked = Instant::now();
    world.publish(&spec).await.unwrap();
    assert!(asked.elapsed() <= Duration::from_secs(31));
    assert_eq!(world.api.count(Verb::Create), 1);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_is_tried_often_before_the_certificate_ends() {
    let (world, spec, begun) = (World::new(), spec(1), Instant::now());
    lasting(&world, &spec).await;
    world.api.always_answer(Answering::Fail("no luck"));
    sleep(LIFETIME - Duration::from_secs(1)).await;
    let times = created(&world, begun);
    let waits: Vec<_> = times
        .windows(2)
        .skip(1)
        .map(|pair| (pair[1] - pair[0]).as_secs())
        .collect();
    assert_eq!(waits[..6], [1, 2, 4, 8, 16, 32]);
    assert!(waits.iter().all(|wait| *wait <= 120), "{waits:?}");
    assert_eq!(waits.last(), Some(&5), "{waits:?}");
    // The pod keeps what it has, and a publish succeeds.
    world.publish(&spec).await.unwrap();
    assert_eq!(world.volumes.count(Operation::Publish), 1);
    sleep(Duration::from_secs(1000)).await;
    let times = created(&world, begun);
    let last = times[times.len() - 1] - times[times.len() - 2];
    assert_eq!(last, Duration::from_secs(120), "plain after its end");
}

#[tokio::test(start_paused = true)]
async fn one_request_that_nobody_answers_does_not_cost_a_valid_certificate() {
    for seconds in [60, 600, 3600] {
        let world = World::with(AnchoringPolicy::Warn, Duration::from_secs(seconds));
        let spec = spec(1);
        lasting(&world, &spec).await;
        world.api.then_answer(Answering::Nothing);
        world
            .until("the next certificate", |world| {
                let without = world.tasks.board().without_certificate(world.now());
                assert_eq!(without, 0, "{seconds} s: it expired");
                published(world) == 2
            })
            .await;
        assert_eq!(world.api.count(Verb::Create), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_long_pauses_does_not_get_them_while_a_certificate_expires() {
    let retry_after = Some(Duration::from_secs(120));
    let throttled = ApiError::Throttled { retry_after };
    let failed = ApiError::Failed {
        code: 503,
        message: "busy".to_owned(),
        retry_after,
    };
    for error in [throttled, failed] {
        let world = World::with(AnchoringPolicy::Warn, Duration::from_secs(600));
        let spec = spec(1);
        lasting(&world, &spec).await;
        world.api.always_create(Creating::Refuse(error.clone()));
        sleep(Duration::from_secs(560)).await;
        world.api.always_create(Creating::Take);
        sleep(Duration::from_secs(20)).await;
        assert_eq!(published(&world), 2, "{error}: 20 s before its end");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_record_does_not_stop_renewals() {
    let (world, spec) = (World::new(), spec(1));
    lasting(&world, &spec).await;
    world.volumes.fail(Operation::Save, 1000);
    world
        .until("renewals", |world| world.api.count(Verb::Create) == 4)
        .await;
    world.settle().await;
    world.svid(&spec);
    // What is in memory is right all the same, and written once writing works again.
    world.volumes.fail(Operation::Save, 0);
    world
        .until("a renewal", |world| world.api.count(Verb::Create) == 5)
        .await;
    world.settle().await;
    assert_eq!(
        world.record(&spec).issued().map(str::to_owned),
        Some(world.api.names()[0].clone())
    );
    assert_eq!(world.record(&spec).obsolete(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_survives_an_outage_of_the_api_server() {
    let (world, spec) = (World::new(), spec(1));
    lasting(&world, &spec).await;
    world.line.cut(true).await;
    let gone = ApiError::Unreachable("no route to host".to_owned());
    world.api.set_outage(Some(gone));
    sleep(LIFETIME * 19 / 20).await;
    world.publish(&spec).await.unwrap();
    world.api.set_outage(None);
    let back = Instant::now();
    world.line.cut(false).await;
    world
        .until("a renewal", |world| {
            world.volumes.count(Operation::Publish) == 2
        })
        .await;
    assert!(back.elapsed() <= Duration::from_secs(60));
    assert_eq!(published(&world), 2);
    world.settle().await;
    assert_eq!(world.api.names().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_was_dated_back_by_an_hour_is_renewed_in_its_own_time() {
    for minutes in [1, 5, 60] {
        let lifetime = Duration::from_secs(minutes * 60);
        let world = World::with(AnchoringPolicy::Warn, lifetime);
        let (spec, begun) = (spec(1), Instant::now());
        let hour = SignedDuration::from_hours(1);
        world
            .api
            .always_answer(Answering::Issue(Fault::DatedBack(hour)));
        lasting(&world, &spec).await;
        world
            .until("three renewals", |world| world.api.count(Verb::Create) == 4)
            .await;
        for pair in created(&world, begun).windows(2) {
            let waited = pair[1] - pair[0] + Duration::from_secs(1);
            assert!(
                (lifetime * 16 / 30..=lifetime * 20 / 30 + Duration::from_secs(1))
                    .contains(&waited),
                "{minutes} minutes: {waited:?}"
            );
        }
    }
}
