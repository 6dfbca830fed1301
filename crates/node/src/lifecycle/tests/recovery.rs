//! A process that finds the volumes of the previous one.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};

use super::fake::{Answering, Creating, Fault, Operation, Set, Verb};
use super::world::{LIFETIME, World, published, spec};
use crate::lifecycle::{Lifecycle as _, PublishError, RecoverError};
use crate::spec::VolumeSpec;
use crate::volume::{Record, RecordState};
use svid_client::ApiError;

/// A volume whose certificate came from the request `issued`.
fn record(spec: &VolumeSpec) -> Record {
    let mut record = Record::new(spec.clone());
    record.begin("issued".to_owned());
    record.complete(Timestamp::UNIX_EPOCH);
    record
}

/// A good set of files, as an earlier driver made it.
pub(super) async fn good_set(spec: &VolumeSpec, world: &World) -> Set {
    world.publish(spec).await.unwrap();
    let set = world.set(spec);
    world.unpublish(spec).await.unwrap();
    world.settle().await;
    set
}

#[tokio::test(start_paused = true)]
async fn a_complete_set_is_good_after_a_restart_without_a_call() {
    let (mut world, spec) = (World::new(), spec(1));
    world.publish(&spec).await.unwrap();
    let before = world.set(&spec);
    assert_eq!(world.volumes.count(Operation::Tidy), 0);
    world.restart().await;
    world.settle().await;
    assert_eq!(world.phase(&spec), "resting");
    assert_eq!(world.volumes.count(Operation::Tidy), 1);
    let told = world.tasks.publish_malformed(&spec.volume, String::new());
    assert_eq!(told.await, Ok(()), "it is known to be valid");
    assert_eq!(world.set(&spec), before);
    assert_eq!(world.api.counts(), [1, 0, 1, 0]);
    let asked = Instant::now();
    world.publish(&spec).await.unwrap();
    assert_eq!(asked.elapsed(), Duration::ZERO);
    assert_eq!(world.api.counts(), [1, 0, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_is_repeated_and_forgets_no_good_certificate() {
    let (mut world, spec) = (World::new(), spec(1));
    world.publish(&spec).await.unwrap();
    let before = world.set(&spec);
    world.stop().await;
    world.volumes.fail(Operation::Read, 4);
    world.restart().await;
    world.settle().await;
    assert_eq!(world.phase(&spec), "starting");
    assert!(world.told(&spec, "lastFailure").contains("/full"));
    world.publish(&spec).await.unwrap();
    world.settle().await;
    assert_eq!(world.phase(&spec), "resting");
    assert_eq!(world.told(&spec, "lastFailure"), "");
    assert_eq!(world.api.count(Verb::Create), 1);
    assert_eq!(world.set(&spec), before);
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_cannot_be_read_gets_another_certificate_after_half_a_minute() {
    let (mut world, spec) = (World::new(), spec(1));
    world.publish(&spec).await.unwrap();
    world.stop().await;
    world.volumes.fail(Operation::Read, 1000);
    world.restart().await;
    let asked = Instant::now();
    world.publish(&spec).await.unwrap();
    let waited = asked.elapsed().as_secs();
    assert!((30..=35).contains(&waited), "{waited} s");
    assert_eq!(world.api.count(Verb::Create), 2);
}

#[tokio::test(start_paused = true)]
async fn a_restarted_process_renews_at_the_same_time_as_the_one_before() {
    let (mut world, spec) = (World::new(), spec(1));
    world.publish(&spec).await.unwrap();
    let due = world.told(&spec, "phaseUntil");
    sleep(Duration::from_secs(1000)).await;
    world.restart().await;
    world.settle().await;
    assert_eq!(world.told(&spec, "phaseUntil"), due);
    let token = world.token(&spec, "2", LIFETIME);
    world.publish_with(&spec, token).await.unwrap();
    world
        .until("a renewal", |world| world.api.count(Verb::Create) == 2)
        .await;
    let late = due
        .parse::<Timestamp>()
        .unwrap()
        .duration_until(world.now());
    assert!((0..2).contains(&late.as_secs()), "{late}");
    world.settle().await;
    assert_eq!(world.api.names().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_token_a_volume_that_is_due_waits_for_its_next_publish() {
    let (mut world, spec) = (World::new(), spec(1));
    world.publish(&spec).await.unwrap();
    world.restart().await;
    sleep(LIFETIME * 3 / 4).await;
    assert_eq!(world.phase(&spec), "awaiting-token");
    assert_eq!(world.api.counts(), [1, 0, 1, 0]);
    assert!(world.reports.all().is_empty());
    let asked = Instant::now();
    world.publish(&spec).await.unwrap();
    world.settle().await;
    assert_eq!(world.api.counts(), [2, 0, 2, 1]);
    assert!(asked.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn what_was_in_flight_before_a_restart_is_deleted() {
    let (mut world, spec) = (World::new(), spec(1));
    let token = world.token(&spec, "1", LIFETIME * 10);
    world.publish_with(&spec, token).await.unwrap();
    world.api.then_answer(Answering::Nothing);
    world
        .until("a renewal", |world| world.api.count(Verb::Create) == 2)
        .await;
    world.settle().await;
    let in_flight = world.record(&spec).in_flight().unwrap().to_owned();
    assert!(world.api.names().contains(&in_flight));
    world.restart().await;
    let token = world.token(&spec, "2", LIFETIME * 10);
    world.publish_with(&spec, token).await.unwrap();
    world
        .until("the renewal that is due", |world| {
            world.api.count(Verb::Create) == 3
        })
        .await;
    world.settle().await;
    assert_eq!(world.api.names(), [world.record(&spec).issued().unwrap()]);
    assert_eq!(world.record(&spec).in_flight(), None);
    assert_eq!(world.record(&spec).obsolete(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_was_shown_but_not_noted_counts_and_its_request_is_deleted() {
    let (mut world, spec) = (World::new(), spec(1));
    let set = good_set(&spec, &world).await;
    world.volumes.leave_set(&spec.target, set.clone());
    world.api.put("shown");
    let mut left = Record::new(spec.clone());
    left.begin("shown".to_owned());
    world.volumes.leave(left, RecordState::Current);
    world.restart().await;
    world.settle().await;
    assert_eq!(world.set(&spec), set);
    assert_eq!(world.phase(&spec), "resting");
    assert_eq!(world.api.names(), Vec::<String>::new());
    assert_eq!(world.record(&spec).in_flight(), None);
    assert_eq!(world.record(&spec).obsolete(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_volume_without_a_good_set_waits_for_a_token_and_then_gets_one() {
    for fault in ["none", "garbage", "expired"] {
        let (mut world, spec) = (World::new(), spec(1));
        let mut set = good_set(&spec, &world).await;
        match fault {
            "none" => {}
            "garbage" => {
                set.certificate = b"?".to_vec();
                world.volumes.leave_set(&spec.target, set);
            }
            _ => {
                world.volumes.leave_set(&spec.target, set);
                sleep(LIFETIME * 2).await;
            }
        }
        world.api.put("left");
        let mut left = record(&spec);
        left.begin("left".to_owned());
        world.volumes.leave(left, RecordState::Current);
        world.restart().await;
        world.settle().await;
        assert_eq!(world.phase(&spec), "awaiting-token", "{fault}");
        let told = world.tasks.publish_malformed(&spec.volume, "no".to_owned());
        assert_eq!(told.await, Err(PublishError::Malformed("no".to_owned())));
        world.publish(&spec).await.unwrap();
        world.svid(&spec);
        world.settle().await;
        assert_eq!(world.api.names().len(), 1, "{fault}: `left` is deleted");
    }
}

#[tokio::test(start_paused = true)]
async fn a_set_that_is_not_valid_yet_by_a_clock_that_was_set_back_is_made_anew() {
    let (mut world, spec) = (World::new(), spec(1));
    world.publish(&spec).await.unwrap();
    world.stop().await;
    world.clock.step(SignedDuration::from_hours(-24));
    world.restart().await;
    world.publish(&spec).await.unwrap();
    world.svid(&spec);
    assert_eq!(published(&world), 2);
}

#[tokio::test(start_paused = true)]
async fn volumes_that_nobody_wants_any_more_are_removed_with_their_requests() {
    for (going, record_state) in [
        (true, RecordState::Current),
        (false, RecordState::OtherBoot),
        (false, RecordState::PodGone),
    ] {
        let (mut world, spec) = (World::new(), spec(1));
        let set = good_set(&spec, &world).await;
        world.volumes.leave_set(&spec.target, set);
        let mut left = record(&spec);
        left.begin("obsolete".to_owned());
        left.abandon();
        left.begin("in-flight".to_owned());
        if going {
            left.go();
        }
        world.volumes.leave(left, record_state);
        for name in ["in-flight", "issued", "obsolete", "somebody-elses"] {
            world.api.put(name);
        }
        world.restart().await;
        assert_eq!(world.volumes.shown(&spec.target), None);
        assert_eq!(world.volumes.record(&spec.volume), None);
        assert_eq!(world.tasks.board().volumes(), 0);
        world.settle().await;
        assert_eq!(world.api.names(), ["somebody-elses"]);
        assert_eq!(world.api.count(Verb::Create), 1);
        // Unpublish is called all the same.
        world.unpublish(&spec).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_fails_at_start_is_finished_by_the_kubelets_unpublish() {
    let (mut world, spec) = (World::new(), spec(1));
    let mut left = record(&spec);
    left.go();
    world.volumes.leave(left, RecordState::Current);
    world.volumes.fail(Operation::Remove, 1);
    world.api.put("issued");
    world.restart().await;
    assert_eq!(world.phase(&spec), "removing");
    assert!(world.told(&spec, "lastFailure").contains("/full"));
    assert_eq!(world.metrics.failed_removals(), 1);
    world.unpublish(&spec).await.unwrap();
    world.settle().await;
    assert_eq!(world.volumes.record(&spec.volume), None);
    assert_eq!(world.tasks.board().volumes(), 0);
    assert_eq!(world.api.counts(), [0, 0, 0, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_fails_at_start_is_finished_by_a_publish_which_begins_the_volume_again() {
    let (mut world, spec) = (World::new(), spec(1));
    world.volumes.leave(record(&spec), RecordState::OtherBoot);
    world.volumes.fail(Operation::Remove, 2);
    world.api.put("issued");
    world.restart().await;
    let told = world.publish(&spec).await.unwrap_err();
    assert!(matches!(told, PublishError::NotBegun(_)), "{told:?}");
    assert!(told.to_string().contains("/full"), "{told}");
    world.publish(&spec).await.unwrap();
    world.svid(&spec);
    world.settle().await;
    assert!(!world.record(&spec).is_going());
    assert_eq!(world.phase(&spec), "resting");
    assert_eq!(world.api.names(), [world.record(&spec).issued().unwrap()]);
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_the_kubelet_wanted_is_not_turned_round_by_a_late_publish() {
    let (mut world, spec) = (World::new(), spec(1));
    world.volumes.leave(record(&spec), RecordState::OtherBoot);
    world.volumes.fail(Operation::Remove, 2);
    world.restart().await;
    world.unpublish(&spec).await.unwrap_err();
    assert_eq!(world.publish(&spec).await, Err(PublishError::Going));
    world.unpublish(&spec).await.unwrap();
    assert_eq!(world.api.count(Verb::Create), 0);
}

#[tokio::test(start_paused = true)]
async fn records_that_cannot_be_listed_stop_the_start() {
    let world = World::new();
    world.volumes.fail(Operation::Records, 1);
    assert!(world.tasks.recover().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_records_are_read_is_not_taken_for_no_records() {
    let world = World::new();
    world.volumes.panic_at(Operation::Records);
    let told = world.tasks.recover().await;
    assert_eq!(told, Err(RecoverError::Thread));
}

#[tokio::test(start_paused = true)]
async fn what_was_left_is_deleted_when_the_api_server_takes_it() {
    let (mut world, spec) = (World::new(), spec(1));
    world.publish(&spec).await.unwrap();
    let issued = world.api.names()[0].clone();
    let mut left = Record::new(spec.clone());
    for name in ["old", &issued] {
        left.begin(name.to_owned());
        left.complete(Timestamp::UNIX_EPOCH);
    }
    world.stop().await;
    world.volumes.leave(left, RecordState::Current);
    world.api.put("old");
    let gone = ApiError::Unreachable("no route to host".to_owned());
    world.api.set_outage(Some(gone));
    world.line.cut(true).await;
    world.restart().await;
    sleep(Duration::from_secs(300)).await;
    assert!(world.api.count(Verb::Delete) < 12, "it backs off");
    world.api.set_outage(None);
    world.line.cut(false).await;
    world
        .until("the old request is deleted", |world| {
            world.api.names().len() == 1
        })
        .await;
    world.settle().await;
    assert_eq!(world.api.names(), [issued]);
    assert_eq!(world.record(&spec).obsolete(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_carried_out_after_a_restart_or_a_removal_is_found_and_deleted() {
    for is_removed in [true, false] {
        let (mut world, spec) = (World::new(), spec(1));
        let lost = ApiError::TimedOut(Duration::from_secs(35));
        let late = Creating::LoseAfter(Duration::from_secs(40), lost);
        world.api.then_create(late);
        let publish = world.publish_aside(&spec);
        world.settle().await;
        if is_removed {
            world.unpublish(&spec).await.unwrap();
        } else {
            world.restart().await;
            world.publish(&spec).await.unwrap();
        }
        let expected = world.api.names().len();
        sleep(Duration::from_secs(50)).await;
        assert_eq!(world.api.names().len(), expected + 1, "it is there by now");
        sleep(Duration::from_secs(50)).await;
        assert_eq!(world.api.names().len(), expected);
        drop(publish);
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_killed_between_record_and_create_leaves_nothing() {
    let (mut world, spec) = (World::new(), spec(1));
    world
        .api
        .then_create(Creating::TakeAfter(Duration::from_secs(60)));
    let publish = world.publish_aside(&spec);
    world.settle().await;
    assert!(world.record(&spec).in_flight().is_some());
    world.restart().await;
    publish.await.unwrap().unwrap_err();
    world.api.always_answer(Answering::Issue(Fault::None));
    world.publish(&spec).await.unwrap();
    // It could have been carried out after the process ended.
    sleep(Duration::from_secs(61)).await;
    assert_eq!(world.api.names().len(), 1);
    assert_eq!(world.record(&spec).obsolete(), [""; 0]);
}
