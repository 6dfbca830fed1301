use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::stream;
use prometheus_client::registry::Registry;
use serde_json::json;
use svid_client::issuer::IssuerSource;
use svid_core::identity::TrustDomain;
use svid_core::policy::{Attestation, Credentials, ExtraAnnotations, IssuerReference};
use svid_devcluster::{Key as ObjectKey, resource};
use tokio::sync::watch;
use tokio::time::sleep;

use super::*;
use crate::configuration::OrdinaryRequests;
use crate::kinds::Kinds;
use crate::lease::Leadership;
use crate::world::{World, today};

fn controller(world: &World, leadership: Leadership) -> (Controller, watch::Sender<Leadership>) {
    let ours = IssuerReference::new("spiffe-ca", "", "");
    let (_source, issuers) = IssuerSource::new(Some(ours), None, || 0.5);
    let worker = Worker {
        client: world.client("a"),
        trust_domain: TrustDomain::parse("cluster.local").unwrap(),
        duration: Duration::from_secs(3600),
        attestation: Attestation::PodToken(Credentials::Any),
        extra_annotations: Arc::new(ExtraAnnotations::Unlisted),
        ordinary: OrdinaryRequests::LeaveAlone,
        issuers,
        kinds: Kinds::default(),
        now: today,
        metrics: Metrics::register(&mut Registry::default()),
    };
    let (sender, leadership) = watch::channel(leadership);
    let controller = Controller::new(worker, leadership, Readiness::default(), || 0.5);
    (controller, sender)
}

/// A request that is denied.
fn put(world: &World, name: &str) -> ObjectKey {
    let key = ObjectKey::new(&resource::CERTIFICATE_REQUESTS, "payments", name);
    let annotations = json!({ "spiffe.csi.cert-manager.io/identity": "x" });
    world.put(
        &key,
        json!({
            "apiVersion": "cert-manager.io/v1",
            "kind": "CertificateRequest",
            "metadata": { "name": name, "namespace": "payments", "annotations": annotations },
            "spec": { "request": "eA==", "issuerRef": { "name": "spiffe-ca" } },
        }),
    );
    key
}

fn after(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn work_goes_on_when_a_term_that_has_lapsed_is_extended_in_silence() {
    let world = World::new();
    let term = Term::new(after(10));
    let (controller, _leadership) = controller(&world, Leadership::Leading(term.clone()));
    let stop = CancellationToken::new();
    let running = tokio::spawn(controller.run(stop.clone()));
    sleep(Duration::from_secs(11)).await;
    put(&world, "x");
    sleep(Duration::from_secs(5)).await;
    assert_eq!(world.decisions(), 0, "it may be another's turn");
    term.extend(after(10));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(world.decisions(), 1);
    stop.cancel();
    running.await.unwrap();
}

/// What a list of many begins with, and what else it holds.
fn listed(world: &World, first: &ObjectKey) -> (StoredRequest, StoredRequest) {
    let object = world.object(first).unwrap();
    let first: StoredRequest = serde_json::from_value((*object).clone()).unwrap();
    let mut other = first.clone();
    other.metadata.namespace = "evil".to_owned();
    (first, other)
}

/// As a list that arrives faster than it is taken in. Looks whenever the next is asked for.
fn list(
    first: StoredRequest,
    other: StoredRequest,
    mut look: impl FnMut(usize),
) -> impl Stream<Item = Result<Event<StoredRequest>, ApiError>> {
    let objects = (0..MANY).map(move |at| {
        look(at);
        let mut object = if at == 0 {
            first.clone()
        } else {
            other.clone()
        };
        if at > 0 {
            object.metadata.name = format!("r{at}");
        }
        Ok(Event::InitApply(object))
    });
    stream::iter([Ok(Event::Init)])
        .chain(stream::iter(objects))
        .chain(stream::pending())
}

const MANY: usize = 20_000;

/// A list of many for one namespace and one for another, last; then this replica leads.
fn stored_flood(
    last: StoredRequest,
    evil: StoredRequest,
    leadership: watch::Sender<Leadership>,
) -> impl Stream<Item = Result<Event<StoredRequest>, ApiError>> {
    let flood = (0..MANY).map(move |at| {
        let mut object = evil.clone();
        object.metadata.name = format!("r{at}");
        Ok(Event::InitApply(object))
    });
    let end = [Ok(Event::InitApply(last)), Ok(Event::InitDone)];
    let lead = async move {
        leadership.send_replace(Leadership::Leading(Term::new(after(3600))));
        std::future::pending().await
    };
    stream::iter([Ok(Event::Init)])
        .chain(stream::iter(flood))
        .chain(stream::iter(end))
        .chain(stream::once(lead))
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_a_stored_flood_delays_another_namespace_by_a_few_decisions() {
    let world = World::new();
    let key = put(&world, "x");
    let (last, evil) = listed(&world, &key);
    let (mut controller, leadership) = controller(&world, Leadership::Standby);
    let stop = CancellationToken::new();
    let until_end = async {
        let decided = |object: &serde_json::Value| object["status"]["conditions"].is_array();
        world.until(&key, decided).await;
        stop.cancel();
        world.decisions()
    };
    let events = stored_flood(last, evil, leadership);
    let ((), before) = tokio::join!(controller.decide_on(events, &stop), until_end);
    assert!(before <= 32, "{before} were decided before");
}

#[tokio::test(start_paused = true)]
async fn decisions_begin_while_a_list_is_still_being_read() {
    let world = World::new();
    let key = put(&world, "x");
    let (first, other) = listed(&world, &key);
    let leading = Leadership::Leading(Term::new(after(3600)));
    let (mut controller, _leadership) = controller(&world, leading);
    let stop = CancellationToken::new();
    let reached = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&reached);
    let events = list(first, other, move |at| seen.store(at, Ordering::Relaxed));
    let until_end = async {
        world
            .until(&key, |object| object["status"]["conditions"].is_array())
            .await;
        stop.cancel();
    };
    tokio::join!(controller.decide_on(events, &stop), until_end);
    let reached = reached.load(Ordering::Relaxed);
    assert!(reached < MANY / 10, "{reached} were listed before");
}

#[tokio::test(start_paused = true)]
async fn a_list_without_a_pause_keeps_nobody_from_stopping_or_leading() {
    let world = World::new();
    let key = put(&world, "x");
    let (first, other) = listed(&world, &key);
    let (mut controller, leadership) = controller(&world, Leadership::Standby);
    let stop = CancellationToken::new();
    let reached = Arc::new(AtomicUsize::new(0));
    let (seen, stopping) = (Arc::clone(&reached), stop.clone());
    let events = list(first, other, move |at| {
        seen.store(at, Ordering::Relaxed);
        if at == 1000 {
            leadership.send_replace(Leadership::Leading(Term::new(after(3600))));
        }
        if at == 5000 {
            stopping.cancel();
        }
    });
    controller.decide_on(events, &stop).await;
    let reached = reached.load(Ordering::Relaxed);
    assert!(reached < 5500, "{reached} were listed");
    assert!(world.decisions() > 100, "{}", world.decisions());
}
