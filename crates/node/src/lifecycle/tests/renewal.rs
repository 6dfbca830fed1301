//! When a certificate is renewed, whatever the clocks say.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::{Instant, sleep};

use super::fake::{Answering, Creating, Fault, Operation, Verb};
use super::world::{LIFETIME, World, published, wish};
use crate::lifecycle::AnchoringPolicy;
use crate::wish::Wish;
use svid_client::ApiError;

/// Offers a token that lasts, as a kubelet keeps doing.
async fn lasting(world: &World, wish: &Wish) {
    let token = world.token(wish, "lasting", LIFETIME * 1000);
    world.publish_with(wish, token).await.unwrap();
}

/// How long after the test's start each request was created.
fn created(world: &World, since: Instant) -> Vec<Duration> {
    let times = world.api.times(Verb::Create);
    times.iter().map(|at| *at - since).collect()
}

#[tokio::test(start_paused = true)]
async fn a_certificate_is_renewed_in_its_window_with_a_new_key_again_and_again() {
    let (world, wish, begun) = (World::new(), wish(1), Instant::now());
    lasting(&world, &wish).await;
    let mut last = (world.set(&wish), world.svid(&wish).serial().to_vec());
    for round in 1..=4 {
        world
            .until("a renewal", |world| {
                world.api.count(Verb::Create) == round + 1
            })
            .await;
        world.settle().await;
        let next = (world.set(&wish), world.svid(&wish).serial().to_vec());
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
        assert_eq!(world.api.names(), [world.record(&wish).issued().unwrap()]);
        assert_eq!(world.record(&wish).obsolete(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_previous_request_is_deleted_only_after_the_new_certificate_is_shown() {
    let (world, wish) = (World::new(), wish(1));
    lasting(&world, &wish).await;
    let first = world.api.names()[0].clone();
    world.api.always_answer(Answering::Nothing);
    world
        .until("a renewal", |world| world.api.count(Verb::Create) == 2)
        .await;
    assert!(world.api.names().contains(&first));
    let record = world.record(&wish);
    assert_eq!(record.issued(), Some(&*first));
    let second = record.in_flight().unwrap().to_owned();
    world.api.answer(&second, &Answering::Issue(Fault::None));
    world.settle().await;
    assert_eq!(world.api.names(), [second]);
    assert_eq!(world.volumes.count(Operation::Publish), 2);
}

#[tokio::test(start_paused = true)]
async fn after_a_success_there_is_a_least_pause_whatever_the_wall_clock_says() {
    let (world, wish, begun) = (World::new(), wish(1), Instant::now());
    lasting(&world, &wish).await;
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
        let (world, wish) = (World::new(), wish(1));
        let fault = Fault::Lasts(SignedDuration::from_secs(lasts));
        world.api.always_answer(Answering::Issue(fault));
        let token = world.token(&wish, "lasting", LIFETIME * 1000);
        let publish = world.publish_aside_with(&wish, token);
        sleep(Duration::from_secs(60)).await;
        publish.abort();
        let asked = world.api.count(Verb::Create);
        assert!(asked <= 13, "{asked} requests for {lasts} s each");
    }
}

#[tokio::test(start_paused = true)]
async fn a_certificate_is_renewed_at_once_when_the_clock_steps_past_its_time() {
    let (world, wish) = (World::new(), wish(1));
    lasting(&world, &wish).await;
    sleep(LIFETIME / 5).await;
    assert_eq!(world.api.count(Verb::Create), 1);
    world.clock.step(SignedDuration::from_mins(30));
    world.settle().await;
    assert_eq!(world.api.count(Verb::Create), 2);
    world.svid(&wish);
}

#[tokio::test(start_paused = true)]
async fn a_certificate_is_renewed_in_time_although_the_wall_clock_was_set_back() {
    // Right after it was issued, later, and repeatedly.
    for after in [1, 500, 1500] {
        let (world, wish, begun) = (World::new(), wish(1), Instant::now());
        lasting(&world, &wish).await;
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
    let (world, wish) = (World::new(), wish(1));
    lasting(&world, &wish).await;
    sleep(Duration::from_secs(600)).await;
    world.clock.step(SignedDuration::from_secs(-630));
    let asked = Instant::now();
    world.publish(&wish).await.unwrap();
    assert!(asked.elapsed() <= Duration::from_secs(31));
    assert_eq!(world.api.count(Verb::Create), 1);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_is_tried_often_before_the_certificate_ends() {
    let (world, wish, begun) = (World::new(), wish(1), Instant::now());
    lasting(&world, &wish).await;
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
    world.publish(&wish).await.unwrap();
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
        let wish = wish(1);
        lasting(&world, &wish).await;
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
        let wish = wish(1);
        lasting(&world, &wish).await;
        world.api.always_create(Creating::Refuse(error.clone()));
        sleep(Duration::from_secs(560)).await;
        world.api.always_create(Creating::Take);
        sleep(Duration::from_secs(20)).await;
        assert_eq!(published(&world), 2, "{error}: 20 s before its end");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_record_does_not_stop_renewals() {
    let (world, wish) = (World::new(), wish(1));
    lasting(&world, &wish).await;
    world.volumes.fail(Operation::Save, 1000);
    world
        .until("renewals", |world| world.api.count(Verb::Create) == 4)
        .await;
    world.settle().await;
    world.svid(&wish);
    // What is in memory is right all the same, and written once writing works again.
    world.volumes.fail(Operation::Save, 0);
    world
        .until("a renewal", |world| world.api.count(Verb::Create) == 5)
        .await;
    world.settle().await;
    assert_eq!(
        world.record(&wish).issued().map(str::to_owned),
        Some(world.api.names()[0].clone())
    );
    assert_eq!(world.record(&wish).obsolete(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_survives_an_outage_of_the_api_server() {
    let (world, wish) = (World::new(), wish(1));
    lasting(&world, &wish).await;
    world.line.cut(true).await;
    let gone = ApiError::Unreachable("no route to host".to_owned());
    world.api.set_outage(Some(gone));
    sleep(LIFETIME * 19 / 20).await;
    world.publish(&wish).await.unwrap();
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
        let (wish, begun) = (wish(1), Instant::now());
        let hour = SignedDuration::from_hours(1);
        world
            .api
            .always_answer(Answering::Issue(Fault::DatedBack(hour)));
        lasting(&world, &wish).await;
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
