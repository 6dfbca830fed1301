//! Unpublish: what is removed, how fast, and what is deleted afterwards.

use std::time::Duration;

use futures::FutureExt as _;
use tokio::time::{Instant, sleep};

use super::fake::{Answering, Creating, Operation, Set, Verb};
use super::world::{LIMIT, World, published, spec};
use crate::lifecycle::{Lifecycle as _, PublishError};
use crate::spec::TargetPath;
use svid_client::ApiError;

#[tokio::test(start_paused = true)]
async fn a_volume_is_removed_with_its_record_its_task_and_its_requests() {
    let (world, spec) = (World::new(), spec(1));
    world.publish(&spec).await.unwrap();
    world.unpublish(&spec).await.unwrap();
    assert_eq!(world.volumes.shown(&spec.target), None);
    assert_eq!(world.volumes.record(&spec.volume), None);
    assert_eq!(world.tasks.board().volumes(), 0);
    assert!(!world.tasks.is_known(&spec.volume, Some(&spec.target)).await);
    world.settle().await;
    assert_eq!(world.api.names(), Vec::<String>::new());
    assert_eq!(world.api.counts(), [1, 0, 1, 1]);
    // Unpublish again: nothing is running any more.
    world.unpublish(&spec).await.unwrap();
    sleep(Duration::from_secs(100_000)).await;
    assert_eq!(world.api.counts(), [1, 0, 1, 1]);
    assert_eq!(published(&world), 1);
}

#[tokio::test(start_paused = true)]
async fn a_removed_volume_can_be_published_again() {
    let (world, spec) = (World::new(), spec(1));
    for _ in 0..3 {
        world.publish(&spec).await.unwrap();
        world.svid(&spec);
        world.unpublish(&spec).await.unwrap();
    }
    world.settle().await;
    assert_eq!(world.api.counts(), [3, 0, 3, 3]);
}

#[tokio::test(start_paused = true)]
async fn an_unpublish_cancels_what_is_waited_for_and_whoever_waits() {
    let (world, spec) = (World::new(), spec(1));
    world.api.always_answer(Answering::Nothing);
    let publish = world.publish_aside(&spec);
    sleep(Duration::from_secs(5)).await;
    let asked = Instant::now();
    world.unpublish(&spec).await.unwrap();
    let told = publish.await.unwrap();
    assert_eq!(told, Err(PublishError::Going));
    assert_eq!(asked.elapsed(), Duration::ZERO);
    world.settle().await;
    assert_eq!(world.api.names(), Vec::<String>::new());
    assert_eq!(world.volumes.record(&spec.volume), None);
}

#[tokio::test(start_paused = true)]
async fn an_unpublish_is_fast_while_the_api_server_hangs_and_deletes_when_it_is_back() {
    let (world, spec) = (World::new(), spec(1));
    // One is issued, one is superseded and cannot be deleted, one is in flight.
    let token = world.token(&spec, "1", Duration::from_secs(1_000_000));
    world.publish_with(&spec, token).await.unwrap();
    let failed = ApiError::Failed {
        code: 500,
        message: "etcd".to_owned(),
        retry_after: None,
    };
    world.api.always_delete(Some(failed));
    world
        .until("a renewal", |world| published(world) == 2)
        .await;
    world.settle().await;
    assert_eq!(world.api.names().len(), 2);
    world.line.cut(true).await;
    world
        .api
        .set_outage(Some(ApiError::TimedOut(Duration::from_secs(20))));
    sleep(Duration::from_secs(3000)).await;
    let asked = Instant::now();
    world.unpublish(&spec).await.unwrap();
    assert_eq!(asked.elapsed(), Duration::ZERO);
    sleep(Duration::from_secs(600)).await;
    assert_eq!(world.api.names().len(), 2);
    world.api.set_outage(None);
    world.api.always_delete(None);
    let back = Instant::now();
    world.line.cut(false).await;
    world
        .until("a clean server", |world| world.api.names().is_empty())
        .await;
    assert!(back.elapsed() <= Duration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn every_request_that_a_volume_may_have_left_is_deleted_with_it() {
    let (world, spec) = (World::new(), spec(1));
    let lost = ApiError::TimedOut(Duration::from_secs(20));
    world.api.then_create(Creating::Lose(lost.clone()));
    world.api.then_create(Creating::Refuse(lost.clone()));
    world.api.then_create(Creating::Refuse(lost));
    world.api.always_answer(Answering::Nothing);
    let publish = world.publish_aside(&spec);
    sleep(Duration::from_millis(3500)).await;
    assert_eq!(world.api.count(Verb::Create), 3);
    assert_eq!(world.api.names().len(), 1);
    world.unpublish(&spec).await.unwrap();
    publish.await.unwrap().unwrap_err();
    world.settle().await;
    assert_eq!(world.api.names(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_refused_delete_is_not_tried_again() {
    let (world, spec) = (World::new(), spec(1));
    world.publish(&spec).await.unwrap();
    let refusal = ApiError::Forbidden("not yours".to_owned());
    world.api.always_delete(Some(refusal));
    world.unpublish(&spec).await.unwrap();
    sleep(Duration::from_secs(10_000)).await;
    assert_eq!(world.api.count(Verb::Delete), 1);
}

#[tokio::test(start_paused = true)]
async fn an_unpublish_waits_for_the_write_in_progress() {
    let (world, spec) = (World::new(), spec(1));
    world.volumes.hold(Operation::Publish);
    let publish = world.publish_aside(&spec);
    world.volumes.begun(Operation::Publish, 1).await;
    let mut unpublish = Box::pin(world.unpublish(&spec));
    assert!((&mut unpublish).now_or_never().is_none());
    // A waiting publish is answered before the write has ended.
    publish.await.unwrap().unwrap_err();
    assert_eq!(world.volumes.count(Operation::Remove), 0);
    world.volumes.release(Operation::Publish);
    unpublish.await.unwrap();
    assert_eq!(world.volumes.shown(&spec.target), None);
    assert_eq!(world.volumes.record(&spec.volume), None);
    world.settle().await;
    assert_eq!(world.api.names(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_publish_during_the_removal_is_aborted_and_begins_nothing() {
    let (world, spec) = (World::new(), spec(1));
    world.publish(&spec).await.unwrap();
    world.volumes.hold(Operation::Remove);
    let (tasks, going) = (world.tasks.clone(), spec.clone());
    let unpublish = tokio::spawn(async move { tasks.unpublish(going.volume, going.target).await });
    world.volumes.begun(Operation::Remove, 1).await;
    let publish = world.publish_aside(&spec);
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    world.volumes.release(Operation::Remove);
    unpublish.await.unwrap().unwrap();
    let told = publish.await.unwrap();
    assert_eq!(told, Err(PublishError::Removed));
    world.settle().await;
    assert_eq!(world.volumes.record(&spec.volume), None);
    assert_eq!(world.tasks.board().volumes(), 0);
    assert_eq!(world.api.count(Verb::Create), 1);
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_fails_is_told_and_finished_by_the_next_one() {
    let (world, spec) = (World::new(), spec(1));
    world.publish(&spec).await.unwrap();
    world.volumes.fail(Operation::Remove, 1);
    let told = world.unpublish(&spec).await.unwrap_err();
    assert!(told.contains("/full"), "{told}");
    assert!(world.record(&spec).is_going());
    assert!(world.tasks.is_known(&spec.volume, None).await);
    assert_eq!(world.phase(&spec), "removing");
    assert!(world.told(&spec, "lastFailure").contains("/full"));
    let board = world.tasks.board();
    let counts = (board.volumes(), board.without_certificate(world.now()));
    assert_eq!(counts, (1, 0), "nobody waits for its certificate");
    assert_eq!(world.metrics.failed_removals(), 1);
    let told = world.publish(&spec).await;
    assert_eq!(told, Err(PublishError::Going));
    sleep(Duration::from_secs(10_000)).await;
    assert_eq!(world.api.counts(), [1, 0, 1, 0], "nothing is sent for it");
    world.unpublish(&spec).await.unwrap();
    world.settle().await;
    assert_eq!(world.tasks.board().volumes(), 0);
    assert_eq!(world.volumes.record(&spec.volume), None);
    assert_eq!(world.api.names(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_forgotten_or_marked_does_not_keep_the_files() {
    let (world, spec) = (World::new(), spec(1));
    world.publish(&spec).await.unwrap();
    world.volumes.fail(Operation::Save, 1);
    world.volumes.fail(Operation::Forget, 1);
    world.unpublish(&spec).await.unwrap_err();
    assert_eq!(world.volumes.shown(&spec.target), None);
    world.unpublish(&spec).await.unwrap();
    assert_eq!(world.volumes.record(&spec.volume), None);
}

#[tokio::test(start_paused = true)]
async fn what_is_at_the_target_of_an_unknown_volume_is_removed() {
    let (world, spec) = (World::new(), spec(1));
    world.volumes.leave_set(&spec.target, Set::anything());
    assert!(world.tasks.is_known(&spec.volume, Some(&spec.target)).await);
    world.unpublish(&spec).await.unwrap();
    assert_eq!(world.volumes.shown(&spec.target), None);
    assert!(!world.tasks.is_known(&spec.volume, Some(&spec.target)).await);
    assert_eq!(world.api.counts(), [0; 4]);
}

#[tokio::test(start_paused = true)]
async fn another_target_than_the_recorded_one_is_removed_too() {
    let (world, spec) = (World::new(), spec(1));
    world.publish(&spec).await.unwrap();
    let elsewhere = TargetPath::parse("/k/elsewhere").unwrap();
    world.volumes.leave_set(&elsewhere, Set::anything());
    let done = world
        .tasks
        .unpublish(spec.volume.clone(), elsewhere.clone());
    done.await.unwrap();
    assert_eq!(world.volumes.shown(&spec.target), None);
    assert_eq!(world.volumes.shown(&elsewhere), None);
}

#[tokio::test(start_paused = true)]
async fn an_unpublish_of_a_kubelet_that_hangs_up_goes_on() {
    let (world, spec) = (World::new(), spec(1));
    world.publish(&spec).await.unwrap();
    world.volumes.hold(Operation::Remove);
    let unpublish = world.unpublish(&spec);
    let mut unpublish = Box::pin(unpublish);
    assert!((&mut unpublish).now_or_never().is_none());
    world.volumes.begun(Operation::Remove, 1).await;
    drop(unpublish);
    world.volumes.release(Operation::Remove);
    world
        .until("it is gone", |world| {
            world.volumes.record(&spec.volume).is_none()
        })
        .await;
    assert_eq!(world.volumes.shown(&spec.target), None);
}

#[tokio::test(start_paused = true)]
async fn many_volumes_are_removed_at_once_and_deleted_a_few_at_a_time() {
    let world = World::new();
    let specs: Vec<_> = (1..=30).map(spec).collect();
    for spec in &specs {
        world.publish(spec).await.unwrap();
    }
    world
        .api
        .set_outage(Some(ApiError::TimedOut(Duration::from_secs(20))));
    for spec in &specs {
        world.unpublish(spec).await.unwrap();
    }
    world.settle().await;
    assert_eq!(world.api.count(Verb::Delete), 8);
    world.api.set_outage(None);
    sleep(LIMIT).await;
    assert_eq!(world.api.names(), Vec::<String>::new());
}
