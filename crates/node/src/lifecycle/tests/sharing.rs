//! What one pod may take of a node, and what it leaves to others.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::fake::{Answering, Creating, Operation, Set, Verb};
use super::world::{LIFETIME, LIMIT, World, asking, named, published, spec, spec_of_pod};
use crate::lifecycle::{Lifecycle as _, PublishError};
use crate::spec::VolumeSpec;
use crate::volume::{Record, RecordState};
use svid_client::issuer::IssuerState;

type Publish = JoinHandle<Result<(), PublishError>>;

fn specs(pod: u32, count: u32) -> Vec<VolumeSpec> {
    (0..count).map(|volume| spec_of_pod(pod, volume)).collect()
}

fn publish_all(world: &World, specs: &[VolumeSpec]) -> Vec<Publish> {
    specs.iter().map(|spec| world.publish_aside(spec)).collect()
}

async fn answered(publishes: Vec<Publish>) -> Vec<PublishError> {
    let mut errors = Vec::new();
    for publish in publishes {
        if publish.is_finished() {
            errors.extend(publish.await.unwrap().err());
        }
    }
    errors
}

fn too_many(answer: &Result<(), PublishError>) -> bool {
    matches!(answer, Err(PublishError::TooManyVolumes { .. }))
}

#[tokio::test(start_paused = true)]
async fn of_4000_volumes_of_a_pod_those_beyond_the_limit_leave_nothing_and_delay_nobody() {
    let world = World::new();
    let flood = specs(1, 4000);
    let publishes = publish_all(&world, &flood);
    let asked = Instant::now();
    world.publish(&spec(2)).await.unwrap();
    assert_eq!(asked.elapsed(), Duration::ZERO);
    let mut begun = Vec::new();
    for (spec, publish) in flood.iter().zip(publishes) {
        match publish.await.unwrap() {
            Ok(()) => begun.push(spec),
            answer => assert!(too_many(&answer), "{answer:?}"),
        }
    }
    assert_eq!(begun.len(), 16);
    assert_eq!(world.tasks.board().volumes(), 17);
    assert_eq!(world.api.count(Verb::Create), 17);
    assert_eq!(published(&world), 17);
    for spec in flood.iter().filter(|spec| !begun.contains(spec)) {
        assert_eq!(world.volumes.record(&spec.volume), None);
        assert!(!world.tasks.is_known(&spec.volume, Some(&spec.target)).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_names_the_limit_and_the_flag() {
    let world = World::with_volumes_per_pod("1");
    world.publish(&spec_of_pod(1, 0)).await.unwrap();
    let told = world.publish(&spec_of_pod(1, 1)).await.unwrap_err();
    assert!(
        told.to_string().contains("--max-volumes-per-pod=1"),
        "{told}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_gives_up_a_volume_may_begin_another() {
    let world = World::with_volumes_per_pod("2");
    let [one, two, three] = [0, 1, 2].map(|volume| spec_of_pod(1, volume));
    world.publish(&one).await.unwrap();
    world.publish(&two).await.unwrap();
    assert!(too_many(&world.publish(&three).await));
    // As long as something is left of a volume, it counts.
    world.volumes.fail(Operation::Remove, 1);
    world.unpublish(&one).await.unwrap_err();
    assert!(too_many(&world.publish(&three).await));
    world.unpublish(&one).await.unwrap();
    world.publish(&three).await.unwrap();
    assert!(too_many(&world.publish(&one).await));
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_could_not_be_begun_does_not_count() {
    let world = World::with_volumes_per_pod("1");
    world.volumes.fail(Operation::Save, 3);
    for volume in 0..3 {
        world.publish(&spec_of_pod(1, volume)).await.unwrap_err();
    }
    world.publish(&spec_of_pod(1, 0)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn volumes_of_the_process_before_go_on_whatever_the_limit_is() {
    let mut world = World::with_volumes_per_pod("2");
    let there = specs(1, 5);
    for spec in &there {
        let record = Record::new(spec.clone());
        world.volumes.leave(record, RecordState::Current);
    }
    world.restart().await;
    for spec in &there {
        world.publish(spec).await.unwrap();
        world.svid(spec);
        let token = world.token(spec, "2", LIFETIME * 2);
        world.publish_with(spec, token).await.unwrap();
    }
    assert!(too_many(&world.publish(&spec_of_pod(1, 5)).await));
    for spec in &there[..4] {
        world.unpublish(spec).await.unwrap();
    }
    world.publish(&spec_of_pod(1, 5)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn volumes_of_another_driver_are_taken_over_whatever_the_limit_is() {
    let world = World::with_volumes_per_pod("1");
    let there = specs(1, 3);
    for spec in &there {
        world.volumes.leave_set(&spec.target, Set::anything());
    }
    for spec in &there {
        world.publish(spec).await.unwrap();
        world.svid(spec);
    }
    assert!(too_many(&world.publish(&spec_of_pod(1, 3)).await));
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_may_be_there_is_not_refused_for_good() {
    let world = World::with_volumes_per_pod("1");
    world.publish(&spec_of_pod(1, 0)).await.unwrap();
    world.volumes.fail(Operation::Look, 1);
    let told = world.publish(&spec_of_pod(1, 1)).await.unwrap_err();
    assert!(matches!(told, PublishError::NotBegun(_)), "{told:?}");
    assert!(told.to_string().contains("/full"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_floods_the_places_and_the_creates_delays_nobody() {
    let world = World::with_volumes_per_pod("4000");
    let valid = spec(3);
    world.publish(&valid).await.unwrap();
    // As many creates of the flood as are sent at once hang.
    for _ in 0..8 {
        let hanging = Creating::TakeAfter(Duration::from_secs(600));
        world.api.then_create(hanging);
    }
    let flood = publish_all(&world, &specs(1, 4000));
    world.settle().await;
    assert_eq!(world.api.count(Verb::Create), 1 + 8);
    let asked = Instant::now();
    world.publish(&spec(2)).await.unwrap();
    world.publish(&valid).await.unwrap();
    assert_eq!(asked.elapsed(), Duration::ZERO);
    world.svid(&spec(2));
    let told = answered(flood).await;
    assert_eq!(told.len(), 4000 - 1023, "all others wait");
    assert!(told.iter().all(|error| *error == PublishError::Crowded));
}

#[tokio::test(start_paused = true)]
async fn when_many_pods_fill_the_places_each_keeps_its_share() {
    let world = World::with_volumes_per_pod("4");
    world
        .api
        .always_create(Creating::TakeAfter(Duration::from_secs(600)));
    let mut pods: Vec<Vec<Publish>> = (1..=300)
        .map(|pod| publish_all(&world, &specs(pod, 4)))
        .collect();
    world.settle().await;
    let late = world.publish_aside(&spec_of_pod(301, 0));
    world.settle().await;
    assert!(!late.is_finished());
    let waiting = |pod: &Vec<Publish>| pod.iter().filter(|publish| !publish.is_finished()).count();
    let counts: Vec<_> = pods.iter().map(waiting).collect();
    assert_eq!(counts.iter().sum::<usize>() + 1, 1024);
    assert!(
        counts.iter().all(|count| (3..=4).contains(count)),
        "{counts:?}"
    );
    for error in answered(pods.split_off(0).into_iter().flatten().collect()).await {
        assert_eq!(error, PublishError::Crowded);
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_token_reaches_a_volume_for_whose_publish_there_is_no_place() {
    let world = World::with_volumes_per_pod("2000");
    // One volume waits for a token that is good.
    let (waits, others) = (spec_of_pod(1, 0), specs(1, 1200));
    let old = world.token(&waits, "old", Duration::ZERO);
    let first = world.publish_aside_with(&waits, old);
    world.settle().await;
    assert_eq!(world.phase(&waits), "awaiting-token");
    first.abort();
    world.api.always_answer(Answering::Nothing);
    world
        .api
        .always_create(Creating::TakeAfter(Duration::from_secs(600)));
    let flood = publish_all(&world, &others[1..]);
    world.settle().await;
    let asked = Instant::now();
    let token = world.token(&waits, "new", LIFETIME);
    let told = world.publish_with(&waits, token).await;
    assert_eq!(told, Err(PublishError::Crowded));
    assert_eq!(asked.elapsed(), Duration::ZERO);
    world.settle().await;
    assert_eq!(
        world.phase(&waits),
        "queued",
        "it goes on with the new token"
    );
    drop(flood);
}

#[tokio::test(start_paused = true)]
async fn pods_take_turns_at_creates() {
    let world = World::new();
    for _ in 0..64 {
        let slow = Creating::TakeAfter(Duration::from_secs(20));
        world.api.then_create(slow);
    }
    let begun = Instant::now();
    // Four pods send all that can be sent, and another four wait before the one that comes last.
    let flood: Vec<_> = (1..=8)
        .flat_map(|pod| publish_all(&world, &specs(pod, 8)))
        .collect();
    world.settle().await;
    let last = world.publish_aside(&spec(9));
    world.settle().await;
    assert_eq!(world.phase(&spec(9)), "queued");
    last.await.unwrap().unwrap();
    let calls = world.api.calls();
    let create = calls
        .iter()
        .find(|(verb, name, _)| *verb == Verb::Create && name.starts_with("web-9-"));
    assert_eq!((create.unwrap().2 - begun).as_secs(), 20);
    for publish in flood {
        publish.await.unwrap().unwrap();
    }
    assert_eq!(world.api.count(Verb::Create), 65);
}

/// A volume whose create waits for its turn, behind creates of its own pod that hang.
async fn queued(world: &World) -> (VolumeSpec, Publish) {
    for _ in 0..8 {
        let hanging = Creating::TakeAfter(Duration::from_secs(600));
        world.api.then_create(hanging);
    }
    drop(publish_all(world, &specs(1, 8)));
    world.settle().await;
    let queued = spec_of_pod(1, 8);
    let publish = world.publish_aside(&queued);
    world.settle().await;
    assert_eq!(world.phase(&queued), "queued");
    (queued, publish)
}

#[tokio::test(start_paused = true)]
async fn a_publish_says_that_its_create_waits_for_a_turn() {
    let world = World::new();
    let (_, publish) = queued(&world).await;
    let told = publish.await.unwrap().unwrap_err();
    let words = "still waiting for a turn to create the CertificateRequest";
    assert_eq!(told.to_string(), words);
    assert_eq!(world.api.count(Verb::Create), 8);
}

#[tokio::test(start_paused = true)]
async fn an_unpublish_waits_for_no_turn() {
    let world = World::new();
    let (spec, publish) = queued(&world).await;
    let asked = Instant::now();
    world.unpublish(&spec).await.unwrap();
    assert_eq!(publish.await.unwrap(), Err(PublishError::Going));
    assert_eq!(asked.elapsed(), Duration::ZERO);
    sleep(LIMIT * 10).await;
    assert_eq!(world.api.count(Verb::Create), 8);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_waits_for_its_turn_asks_the_issuer_that_is_configured_then() {
    let world = World::new();
    let (spec, publish) = queued(&world).await;
    let other = IssuerState::Known(named("other").into());
    world.issuer.send_replace(asking(other));
    publish.await.unwrap().unwrap_err();
    world.publish(&spec).await.unwrap_err();
    sleep(LIMIT * 10).await;
    world.svid(&spec);
    let name = world.record(&spec).issued().unwrap().to_owned();
    let sent = world.api.sent();
    let of_volume: Vec<_> = sent
        .iter()
        .filter(|object| object.metadata.name.as_ref() == Some(&name))
        .collect();
    assert_eq!(of_volume[0].spec.issuer_ref.name, "other");
    assert_eq!(world.record(&spec).obsolete(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_waits_for_its_turn_is_sent_with_the_newest_token() {
    let world = World::new();
    let (spec, publish) = queued(&world).await;
    drop(publish);
    let token = world.token(&spec, "newest", LIFETIME * 2);
    let aside = world.publish_aside_with(&spec, token);
    sleep(Duration::from_secs(700)).await;
    drop(aside);
    world.svid(&spec);
    let tokens = world.api.tokens();
    assert!(tokens[8].ends_with("/newest"), "{}", tokens.len());
}

#[tokio::test(start_paused = true)]
async fn a_token_that_expires_while_its_create_waits_is_not_sent() {
    let world = World::new();
    for _ in 0..8 {
        let hanging = Creating::TakeAfter(Duration::from_secs(600));
        world.api.then_create(hanging);
    }
    drop(publish_all(&world, &specs(1, 8)));
    world.settle().await;
    let queued = spec_of_pod(1, 8);
    let short = world.token(&queued, "short", Duration::from_secs(300));
    drop(world.publish_aside_with(&queued, short));
    sleep(Duration::from_secs(700)).await;
    assert_eq!(world.phase(&queued), "awaiting-token");
    assert!(world.told(&queued, "lastFailure").contains("expired"));
    assert_eq!(world.api.tokens().len(), 8);
    assert_eq!(world.record(&queued).requests().count(), 0);
    world.publish(&queued).await.unwrap();
}
