//! The first publish of a volume.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::{Instant, sleep, timeout};

use super::fake::{Answering, Fault, Operation, Verb};
use super::world::{LIFETIME, LIMIT, World, spec};
use crate::lifecycle::{Lifecycle as _, PublishError};
use svid_client::ApiError;

#[tokio::test(start_paused = true)]
async fn a_first_publish_yields_a_whole_set_with_one_create_and_one_watch() {
    let world = World::new();
    let spec = spec(1);
    world.publish(&spec).await.unwrap();
    world.svid(&spec);
    world.settle().await;
    assert_eq!(world.api.counts(), [1, 0, 1, 0]);
    let record = world.record(&spec);
    assert_eq!(record.in_flight(), None);
    assert_eq!(record.issued(), Some(&*world.api.names()[0]));
    assert_eq!(record.obsolete(), [""; 0]);
    assert_eq!(world.phase(&spec), "resting");
}

#[tokio::test(start_paused = true)]
async fn a_second_publish_joins_and_asks_for_nothing() {
    let world = World::new();
    let spec = spec(1);
    world
        .api
        .always_answer(Answering::IssueAfter(Duration::from_secs(20)));
    let first = world.publish_aside(&spec);
    sleep(Duration::from_secs(10)).await;
    let second = world.publish_aside(&spec);
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    world.publish(&spec).await.unwrap();
    assert_eq!(world.api.counts(), [1, 0, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_kubelet_that_hangs_up_does_not_cancel_issuance() {
    let world = World::new();
    let spec = spec(1);
    world
        .api
        .always_answer(Answering::IssueAfter(Duration::from_secs(200)));
    let first = timeout(Duration::from_secs(1), world.publish(&spec)).await;
    assert!(first.is_err(), "it hung up");
    sleep(Duration::from_secs(200)).await;
    world.svid(&spec);
    let asked = Instant::now();
    world.publish(&spec).await.unwrap();
    assert_eq!(asked.elapsed(), Duration::ZERO);
    assert_eq!(world.api.count(Verb::Create), 1);
}

#[tokio::test(start_paused = true)]
async fn a_kubelet_that_hangs_up_before_the_record_is_written_does_not_cancel_it() {
    let world = World::new();
    let spec = spec(1);
    world.volumes.hold(Operation::Save);
    let first = world.publish_aside(&spec);
    world.volumes.begun(Operation::Save, 1).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    world.volumes.release(Operation::Save);
    world.settle().await;
    world.svid(&spec);
}

#[tokio::test(start_paused = true)]
async fn a_publish_that_ends_at_its_deadline_tells_what_is_waited_for() {
    for (answering, trouble, words) in [
        (
            Answering::Nothing,
            None,
            "still waiting for the CertificateRequest to be approved and signed: it has not been \
             approved or denied; is an approver running?",
        ),
        (
            Answering::Issue(Fault::Begins(SignedDuration::from_secs(200))),
            None,
            "still waiting for the certificate's notBefore",
        ),
        (
            Answering::Nothing,
            Some(ApiError::TimedOut(Duration::from_secs(200))),
            "still creating the CertificateRequest",
        ),
    ] {
        let world = World::new();
        world.api.always_answer(answering);
        world.api.set_outage(trouble);
        let asked = Instant::now();
        let told = world.publish(&spec(1)).await;
        let told = told.unwrap_err();
        assert!(
            matches!(told, PublishError::StillWaiting { .. }),
            "{told:?}"
        );
        assert_eq!(told.to_string(), words);
        assert_eq!(asked.elapsed(), LIMIT);
    }
}

#[tokio::test(start_paused = true)]
async fn many_volumes_have_a_key_a_name_and_a_record_of_their_own() {
    let world = World::new();
    let specs: Vec<_> = (1..=8).map(spec).collect();
    let publishes: Vec<_> = specs.iter().map(|spec| world.publish_aside(spec)).collect();
    for publish in publishes {
        publish.await.unwrap().unwrap();
    }
    let keys: BTreeSet<_> = specs.iter().map(|spec| world.set(spec).key).collect();
    let names: BTreeSet<_> = specs
        .iter()
        .map(|spec| world.record(spec).issued().map(str::to_owned))
        .collect();
    assert_eq!((keys.len(), names.len()), (8, 8));
    assert_eq!(world.api.counts(), [8, 0, 8, 0]);
    assert_eq!(world.tasks.board().volumes(), 8);
    assert_eq!(world.tasks.board().without_certificate(world.now()), 0);
}

#[tokio::test(start_paused = true)]
async fn the_record_names_the_request_before_it_is_created() {
    let world = World::new();
    let spec = spec(1);
    world.api.set_outage(Some(ApiError::TimedOut(LIMIT)));
    let publish = world.publish_aside(&spec);
    world
        .until("a create", |world| world.api.count(Verb::Create) == 1)
        .await;
    let (_, name, _) = world.api.calls()[0].clone();
    assert_eq!(world.record(&spec).in_flight(), Some(&*name));
    publish.abort();
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_written_at_first_is_unavailable_and_leaves_nothing() {
    let world = World::new();
    let spec = spec(1);
    world.volumes.fail(Operation::Save, 1);
    let told = world.publish(&spec).await;
    assert!(
        matches!(&told, Err(PublishError::NotBegun(why)) if why.to_string().contains("/full")),
        "{told:?}"
    );
    assert!(!world.tasks.is_known(&spec.volume, Some(&spec.target)).await);
    assert_eq!(world.volumes.record(&spec.volume), None);
    assert_eq!(world.tasks.board().volumes(), 0);
    assert_eq!(world.api.counts(), [0; 4]);
    world.publish(&spec).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn another_spec_for_the_same_volume_is_aborted_unless_the_certificate_is_valid() {
    let world = World::new();
    let (one, mut other) = (spec(1), spec(1));
    other.pod.uid = "u-2".to_owned();
    world
        .api
        .always_answer(Answering::IssueAfter(Duration::from_secs(20)));
    let publish = world.publish_aside(&one);
    sleep(Duration::from_secs(1)).await;
    let told = world.publish(&other).await;
    assert_eq!(told, Err(PublishError::SpecChanged));
    publish.await.unwrap().unwrap();
    assert_eq!(world.publish(&other).await, Ok(()));
    assert_eq!(*world.record(&one).spec(), one);
}

#[tokio::test(start_paused = true)]
async fn a_valid_certificate_at_one_target_is_no_answer_about_another() {
    let world = World::new();
    let (one, mut other) = (spec(1), spec(1));
    world.publish(&one).await.unwrap();
    other.target = spec(2).target;

    let told = world.publish(&other).await;

    assert_eq!(told, Err(PublishError::SpecChanged));
    assert!(world.volumes.shown(&other.target).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_publish_of_a_volume_that_somebody_unmounted_waits_for_a_new_certificate() {
    let (world, spec) = (World::new(), spec(1));
    world.publish(&spec).await.unwrap();
    let before = world.set(&spec);
    world.volumes.take_away(&spec.target);
    assert_eq!(world.phase(&spec), "resting");
    world
        .api
        .always_answer(Answering::IssueAfter(Duration::from_secs(20)));
    let asked = Instant::now();

    world.publish(&spec).await.unwrap();

    assert_eq!(asked.elapsed().as_secs(), 20);
    assert_ne!(world.set(&spec).key, before.key);
    assert_eq!(world.api.count(Verb::Create), 2);
    world.settle().await;
    assert_eq!(
        world.api.names().len(),
        1,
        "the request of before is deleted"
    );
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_is_lost_during_its_renewal_is_made_by_that() {
    let (world, spec) = (World::new(), spec(1));
    world.publish(&spec).await.unwrap();
    world
        .api
        .always_answer(Answering::IssueAfter(Duration::from_secs(20)));
    let token = world.token(&spec, "2", LIFETIME * 2);
    world.publish_with(&spec, token).await.unwrap();
    world
        .until("a renewal", |world| world.api.count(Verb::Create) == 2)
        .await;
    world.volumes.take_away(&spec.target);

    world.publish(&spec).await.unwrap();
    sleep(Duration::from_secs(60)).await;

    assert!(world.volumes.shown(&spec.target).is_some());
    assert_eq!(world.api.count(Verb::Create), 2);
    assert_eq!(world.phase(&spec), "resting");
}

#[tokio::test(start_paused = true)]
async fn a_publish_that_was_not_understood_is_fine_while_the_certificate_is_valid() {
    let world = World::new();
    let spec = spec(1);
    let told = async || {
        let why = "no pod".to_owned();
        world.tasks.publish_malformed(&spec.volume, why).await
    };
    let aborted = Err(PublishError::Malformed("no pod".to_owned()));
    assert_eq!(told().await, aborted, "nothing is known of it");
    world.api.always_answer(Answering::Nothing);
    let publish = world.publish_aside(&spec);
    world.settle().await;
    assert_eq!(told().await, aborted, "it is not there yet");
    let name = world.api.names()[0].clone();
    world.api.answer(&name, &Answering::Issue(Fault::None));
    publish.await.unwrap().unwrap();
    assert_eq!(told().await, Ok(()));
    world
        .api
        .set_outage(Some(ApiError::Unreachable("gone".to_owned())));
    sleep(LIFETIME).await;
    assert_eq!(told().await, aborted, "it has expired");
}
