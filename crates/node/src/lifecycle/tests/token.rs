//! The pod's token: which one is used, and what happens without one.

use std::time::Duration;

use futures::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};

use super::fake::{Answering, Creating, FakeClock, Verb};
use super::world::{LIFETIME, LIMIT, World, spec};
use crate::lifecycle::PublishError;
use crate::lifecycle::status::{Follower, NextAttempt, StatusWriter, until_valid};
use svid_client::ApiError;

fn refused() -> Creating {
    Creating::Refuse(ApiError::Unauthorized("not any more".to_owned()))
}

fn mark(token: &str) -> &str {
    token.rsplit('/').next().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_not_taken_waits_for_another_and_tries_at_once() {
    let (world, spec) = (World::new(), spec(1));
    world.api.always_create(refused());
    world
        .publish_with(&spec, world.token(&spec, "a", LIFETIME))
        .await
        .unwrap_err();
    world.api.always_create(Creating::Take);
    let asked = Instant::now();
    world
        .publish_with(&spec, world.token(&spec, "b", LIFETIME))
        .await
        .unwrap();
    assert_eq!(asked.elapsed(), Duration::ZERO);
    assert_eq!(
        world.api.tokens().last().map(|token| mark(token)),
        Some("b")
    );
    assert_eq!(world.api.count(Verb::Delete), 0, "nothing was written");
}

#[tokio::test(start_paused = true)]
async fn a_publish_with_a_new_token_waits_for_the_attempt_that_it_causes() {
    let (world, spec) = (World::new(), spec(1));
    world.api.always_create(refused());
    let token = world.token(&spec, "a", LIFETIME);
    world.publish_with(&spec, token).await.unwrap_err();
    // The next scheduled attempt is later than a publish waits.
    world
        .until("the ninth refusal", |world| {
            world.api.count(Verb::Create) == 9
        })
        .await;
    world.api.always_create(Creating::Take);
    let token = world.token(&spec, "b", LIFETIME * 2);
    assert_eq!(world.publish_with(&spec, token).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_comes_while_the_old_one_is_being_refused_is_tried_at_once() {
    let (world, spec) = (World::new(), spec(1));
    let delay = Duration::from_secs(15);
    let error = ApiError::Unauthorized("not any more".to_owned());
    for _ in 0..6 {
        world.api.then_create(refused());
    }
    world.api.then_create(Creating::RefuseAfter(delay, error));
    let first = world.publish_aside_with(&spec, world.token(&spec, "a", LIFETIME));
    world
        .until("the slow refusal", |world| {
            world.api.count(Verb::Create) == 7
        })
        .await;
    let second = world.publish_aside_with(&spec, world.token(&spec, "b", LIFETIME * 2));
    second.await.unwrap().unwrap();
    first.await.unwrap().unwrap();
    let times = world.api.times(Verb::Create);
    assert_eq!(times[7] - times[6], delay, "at once after the refusal");
    assert_eq!(mark(&world.api.tokens()[7]), "b");
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_waits_and_sends_nothing_until_a_fresh_one_wakes_it() {
    let (world, spec) = (World::new(), spec(1));
    let short = Duration::from_secs(60);
    let token = world.token(&spec, "short", short);
    world.publish_with(&spec, token).await.unwrap();
    sleep(LIFETIME / 5).await;
    assert_eq!(world.tasks.board().awaiting_token(), 0);
    assert_eq!(world.told(&spec, "phaseSince"), "");
    let due = world.told(&spec, "phaseUntil");
    sleep(LIFETIME * 11 / 20).await;
    assert_eq!(world.phase(&spec), "awaiting-token");
    assert_eq!(world.tasks.board().awaiting_token(), 1);
    let [since, due] = [world.told(&spec, "phaseSince"), due].map(|time| time.parse().unwrap());
    let late: SignedDuration = Timestamp::duration_until(due, since);
    assert!((0..2).contains(&late.as_secs()), "{late}");
    assert_eq!(world.api.counts(), [1, 0, 1, 0]);
    assert!(world.reports.all().is_empty(), "that is no failure");
    world.publish(&spec).await.unwrap();
    world.settle().await;
    assert_eq!(world.api.counts(), [2, 0, 2, 1]);
    assert_eq!(world.phase(&spec), "resting");
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_at_first_waits_and_says_so() {
    let (world, spec) = (World::new(), spec(1));
    let token = world.token(&spec, "old", Duration::ZERO);
    let told = world.publish_with(&spec, token).await.unwrap_err();
    assert!(told.to_string().contains("token"), "{told}");
    assert_eq!(world.api.counts(), [0; 4]);
    world.publish(&spec).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ends_sooner_never_replaces_a_better_one() {
    let (world, spec) = (World::new(), spec(1));
    let better = world.token(&spec, "better", LIFETIME * 2);
    world.publish_with(&spec, better).await.unwrap();
    let worse = world.token(&spec, "worse", Duration::from_secs(30));
    world.publish_with(&spec, worse).await.unwrap();
    world
        .until("a renewal", |world| world.api.count(Verb::Create) == 2)
        .await;
    assert!(
        world
            .api
            .tokens()
            .iter()
            .all(|token| mark(token) == "better")
    );
}

#[tokio::test(start_paused = true)]
async fn after_a_refusal_any_other_token_is_tried_at_once_even_a_shorter_one() {
    let (world, spec) = (World::new(), spec(1));
    world.api.always_create(refused());
    let longer = world.token(&spec, "longer", LIFETIME * 2);
    let told = world.publish_with(&spec, longer.clone()).await;
    told.unwrap_err();
    world
        .until("the ninth refusal", |world| {
            world.api.count(Verb::Create) == 9
        })
        .await;
    world.api.always_create(Creating::Take);
    world.publish_with(&spec, longer).await.unwrap_err();
    assert_eq!(world.api.count(Verb::Create), 9, "it was refused");
    let shorter = world.token(&spec, "shorter", LIFETIME);
    let asked = Instant::now();
    world.publish_with(&spec, shorter).await.unwrap();
    assert_eq!(asked.elapsed(), Duration::ZERO);
    assert_eq!(
        world.api.tokens().last().map(|it| mark(it)),
        Some("shorter")
    );
}

#[tokio::test(start_paused = true)]
async fn the_failure_of_a_refused_token_is_no_answer_to_the_publish_that_replaces_it() {
    let (writer, status) = StatusWriter::new();
    let (clock, begun) = (FakeClock::new(), Instant::now());
    let (deadline, at) = (begun + LIMIT, begun + LIMIT * 2);
    let for_publish = at;
    let next = NextAttempt { at, for_publish };
    writer.fail("the old token", next);
    let mut plain = Follower::of(status.clone(), false);
    let mut late = Follower::of(status, true);
    let failed = |text: &str| Err(PublishError::AttemptFailed(text.to_owned()));
    let told = until_valid(&mut plain, &clock, deadline).now_or_never();
    assert_eq!(told, Some(failed("the old token")));
    let told = until_valid(&mut late, &clock, deadline).now_or_never();
    assert_eq!(told, None);
    writer.fail("the new token", next);
    let told = until_valid(&mut late, &clock, deadline).now_or_never();
    assert_eq!(told, Some(failed("the new token")));
}

#[tokio::test(start_paused = true)]
async fn a_better_token_is_used_by_the_next_attempt() {
    let (world, spec) = (World::new(), spec(1));
    world.api.then_answer(Answering::Fail("once"));
    let first = world.publish_aside_with(&spec, world.token(&spec, "a", LIFETIME));
    world.settle().await;
    let token = world.token(&spec, "b", LIFETIME * 2);
    world.publish_with(&spec, token).await.unwrap();
    first.await.unwrap().unwrap();
    let tokens = world.api.tokens();
    let marks: Vec<_> = tokens.iter().map(|token| mark(token)).collect();
    assert_eq!(marks, ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_a_wrong_clock_took_for_expired_is_used_when_the_clock_is_right() {
    let (world, spec) = (World::new(), spec(1));
    let token = world.token(&spec, "a", LIFETIME * 3);
    world.publish_with(&spec, token.clone()).await.unwrap();
    sleep(LIFETIME / 5).await;
    world.clock.step(SignedDuration::from_hours(100));
    sleep(Duration::from_secs(5)).await;
    assert_eq!(world.phase(&spec), "awaiting-token");
    world.clock.step(SignedDuration::from_hours(-100));
    // The kubelet keeps its token for as long as it is valid.
    world.publish_with(&spec, token).await.unwrap();
    sleep(Duration::from_secs(61)).await;
    assert_eq!(world.api.count(Verb::Create), 2);
    assert_eq!(world.phase(&spec), "resting");
}

#[tokio::test(start_paused = true)]
async fn a_publish_that_differs_in_the_group_brings_its_token_all_the_same() {
    let (world, spec) = (World::new(), spec(1));
    let short = world.token(&spec, "1", LIFETIME / 2);
    world.publish_with(&spec, short).await.unwrap();
    let (long, mut other) = (world.token(&spec, "2", LIFETIME * 3), spec.clone());
    other.fs_group = Some(2000);
    world.publish_with(&other, long).await.unwrap();

    sleep(LIFETIME * 3 / 4).await;

    assert_eq!(
        world.api.count(Verb::Create),
        2,
        "renewed with the new token"
    );
}
