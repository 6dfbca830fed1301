//! The trust bundle in a volume.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::fake::{Answering, Authority, Operation, Verb};
use super::world::{LIFETIME, World, bundle, published, spec};
use crate::events::EventReason;
use crate::trust::TrustState;

fn pem(authorities: &[&Authority]) -> Option<Vec<u8>> {
    match bundle(authorities) {
        TrustState::Bundle(bundle) => Some(bundle.to_pem().as_bytes().to_vec()),
        TrustState::NoSource | TrustState::Unreadable(_) => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_bundle_is_shown_in_every_volume_beside_the_same_certificate_and_key() {
    let world = World::new();
    let specs: Vec<_> = (1..=5).map(spec).collect();
    for spec in &specs {
        world.publish(spec).await.unwrap();
    }
    let before: Vec<_> = specs.iter().map(|spec| world.set(spec)).collect();
    sleep(Duration::from_secs(10)).await;
    let both = [&*world.authority, &*world.stranger];
    world.trust.send_replace(bundle(&both));
    world.settle().await;
    for (spec, before) in specs.iter().zip(before) {
        let now = world.set(spec);
        assert_eq!((now.certificate, now.key), (before.certificate, before.key));
        assert_eq!(before.bundle, pem(&both[..1]));
        assert_eq!(now.bundle, pem(&both));
    }
    assert_eq!(world.api.count(Verb::Create), 5);
    // Sending the same bundle again is not a change.
    world.trust.send_replace(bundle(&both));
    world.settle().await;
    assert_eq!(world.volumes.count(Operation::ReplaceBundle), 5);
}

#[tokio::test(start_paused = true)]
async fn a_bundle_that_changes_during_an_issuance_is_the_one_that_is_shown() {
    let (world, spec) = (World::new(), spec(1));
    world
        .api
        .always_answer(Answering::IssueAfter(Duration::from_secs(20)));
    let publish = world.publish_aside(&spec);
    sleep(Duration::from_secs(10)).await;
    let both = [&*world.authority, &*world.stranger];
    world.trust.send_replace(bundle(&both));
    publish.await.unwrap().unwrap();
    assert_eq!(world.set(&spec).bundle, pem(&both));
    assert_eq!(world.api.count(Verb::Create), 1);
}

#[tokio::test(start_paused = true)]
async fn a_bundle_that_changes_while_files_are_written_is_shown_right_after() {
    let (world, spec) = (World::new(), spec(1));
    world.volumes.hold(Operation::Publish);
    let publish = world.publish_aside(&spec);
    world.volumes.begun(Operation::Publish, 1).await;
    let both = [&*world.authority, &*world.stranger];
    world.trust.send_replace(bundle(&both));
    world.volumes.release(Operation::Publish);
    publish.await.unwrap().unwrap();
    world.settle().await;
    assert_eq!(world.set(&spec).bundle, pem(&both));
}

#[tokio::test(start_paused = true)]
async fn a_bundle_that_cannot_be_written_is_tried_again_until_it_is() {
    let (world, spec) = (World::new(), spec(1));
    world.publish(&spec).await.unwrap();
    world.volumes.fail(Operation::ReplaceBundle, 3);
    let both = [&*world.authority, &*world.stranger];
    world.trust.send_replace(bundle(&both));
    sleep(Duration::from_secs(1 + 2 + 4)).await;
    world.settle().await;
    assert_eq!(world.set(&spec).bundle, pem(&both));
    assert_eq!(world.volumes.count(Operation::ReplaceBundle), 4);
}

#[tokio::test(start_paused = true)]
async fn without_a_source_there_is_no_bundle() {
    let (world, spec) = (World::new(), spec(1));
    world.trust.send_replace(TrustState::NoSource);
    world.publish(&spec).await.unwrap();
    assert_eq!(world.set(&spec).bundle, None);
}

#[tokio::test(start_paused = true)]
async fn a_bundle_that_is_broken_at_start_keeps_a_publish_waiting_and_says_why() {
    let (world, spec) = (World::new(), spec(1));
    let broken = TrustState::Unreadable("/ca.crt is empty".to_owned());
    world.trust.send_replace(broken);
    let told = world.publish(&spec).await.unwrap_err().to_string();
    assert!(told.contains("/ca.crt is empty"), "{told}");
    assert_eq!(world.api.counts(), [0; 4]);
    let reasons = world.reports.reasons();
    assert!(reasons.contains(&EventReason::NoTrustBundle));
    let publish = world.publish_aside(&spec);
    world.settle().await;
    let mended = Instant::now();
    world.trust.send_replace(bundle(&[&world.authority]));
    publish.await.unwrap().unwrap();
    assert_eq!(mended.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_volume_keeps_its_bundle_while_there_is_no_good_one() {
    let (mut world, spec) = (World::new(), spec(1));
    world.publish(&spec).await.unwrap();
    let before = world.set(&spec);
    let broken = TrustState::Unreadable("/ca.crt is empty".to_owned());
    world.trust.send_replace(broken);
    world.restart().await;
    let token = world.token(&spec, "2", LIFETIME * 10);
    world.publish_with(&spec, token).await.unwrap();
    world
        .until("a renewal", |world| published(world) == 2)
        .await;
    let now = world.set(&spec);
    assert_ne!(now.certificate, before.certificate);
    assert_eq!(now.bundle, before.bundle);
    world.svid(&spec);
}

#[tokio::test(start_paused = true)]
async fn a_bundle_that_changed_between_two_processes_is_shown_by_the_second() {
    let (mut world, spec) = (World::new(), spec(1));
    world.publish(&spec).await.unwrap();
    world.stop().await;
    let both = [world.authority.clone(), world.stranger.clone()];
    let both = [&*both[0], &*both[1]];
    world.trust.send_replace(bundle(&both));
    world.restart().await;
    world.settle().await;
    assert_eq!(world.set(&spec).bundle, pem(&both));
    assert_eq!(world.api.count(Verb::Create), 1);
}

#[tokio::test(start_paused = true)]
async fn a_bundle_for_many_volumes_takes_few_threads_and_holds_up_no_pod() {
    let world = World::new();
    let specs: Vec<_> = (1..=40).map(spec).collect();
    for spec in &specs {
        world.publish(spec).await.unwrap();
    }
    world.volumes.hold(Operation::ReplaceBundle);
    world
        .trust
        .send_replace(bundle(&[&*world.authority, &*world.stranger]));
    world.volumes.begun(Operation::ReplaceBundle, 8).await;

    let begins = spec(41);
    world.publish(&begins).await.unwrap();
    world.unpublish(&begins).await.unwrap();
    // One whose bundle has not had its turn: at most eight have.
    let removed = world.volumes.count(Operation::Remove);
    let ends = specs.iter().map(|spec| world.unpublish(spec));
    let mut ends: futures::stream::FuturesUnordered<_> = ends.collect();
    let ended = futures::StreamExt::next(&mut ends).await;

    ended.unwrap().unwrap();
    assert!(world.volumes.count(Operation::Remove) > removed);
    assert_eq!(world.volumes.count(Operation::ReplaceBundle), 8);
    drop(ends);
    world.volumes.release(Operation::ReplaceBundle);
}
