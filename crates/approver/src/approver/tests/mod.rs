//! The whole approver over a world API server, with paused time.

mod annotations;
mod attested;
mod changing;
mod lasting;
mod leading;
mod said;
mod watching;

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use svid_api::certmanager::EncodedBytes;
use svid_core::identity::{SpiffeId, TrustDomain};
use svid_core::names::DriverName;
use svid_core::policy::{Attestation, Credentials, ExtraAnnotations, IssuerReference};
use svid_core::svid::{CertificateSigningRequest, PrivateKey};
use svid_devcluster::{Answer, Filter, Key, resource};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::*;
use svid_client::issuer::ConfigMapName;

use crate::configuration::OrdinaryRequests;
use crate::metrics::{DecisionOutcome, Elsewhere};
use crate::world::{ENVIRONMENT, World};

fn lease() -> Key {
    Key::new(
        &resource::LEASES,
        "cert-manager",
        "spiffe.csi.cert-manager.io",
    )
}

fn map_key() -> Key {
    Key::new(&resource::CONFIG_MAPS, "cert-manager", "issuer")
}

fn key(name: &str) -> Key {
    Key::new(&resource::CERTIFICATE_REQUESTS, "payments", name)
}

fn configuration() -> Configuration {
    Configuration {
        driver_name: DriverName::parse("spiffe.csi.cert-manager.io").unwrap(),
        trust_domain: TrustDomain::parse("cluster.local").unwrap(),
        certificate_duration: Duration::from_secs(3600),
        issuer: Some(IssuerReference::new("spiffe-ca", "ClusterIssuer", "")),
        runtime_issuance: None,
        attestation: Attestation::PodToken(Credentials::Any),
        extra_annotations: Arc::new(ExtraAnnotations::Unlisted),
        ordinary_requests: OrdinaryRequests::LeaveAlone,
        leader_election_namespace: "cert-manager".to_owned(),
    }
}

fn with_map() -> Configuration {
    let name = ConfigMapName {
        namespace: "cert-manager".to_owned(),
        name: "issuer".to_owned(),
    };
    Configuration {
        runtime_issuance: Some(name),
        ..configuration()
    }
}

fn map(issuer: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": "issuer", "namespace": "cert-manager" },
        "data": {
            "issuer-name": issuer,
            "issuer-kind": "ClusterIssuer",
            "issuer-group": "cert-manager.io",
        },
    })
}

/// A valid request for service account `api`, with changes merged into it.
fn request(name: &str, issuer: &str) -> Value {
    let id = "spiffe://cluster.local/ns/payments/sa/api";
    let key = PrivateKey::generate().unwrap();
    let csr = CertificateSigningRequest::build(&key, &SpiffeId::parse(id).unwrap()).unwrap();
    json!({
        "apiVersion": "cert-manager.io/v1",
        "kind": "CertificateRequest",
        "metadata": {
            "name": name,
            "namespace": "payments",
            "annotations": { "spiffe.csi.cert-manager.io/identity": id },
        },
        "spec": {
            "request": EncodedBytes::encode(csr.to_pem()),
            "issuerRef": { "name": issuer, "kind": "ClusterIssuer" },
            "duration": "60m0s",
            "usages": ["client auth", "server auth", "key encipherment", "digital signature"],
            "username": "system:serviceaccount:payments:api",
        },
    })
}

fn right(name: &str) -> Value {
    request(name, "spiffe-ca")
}

fn wrong(name: &str) -> Value {
    let mut request = right(name);
    request["spec"]["username"] = json!("system:serviceaccount:payments:other");
    request
}

/// A request that is already approved.
fn approved(name: &str) -> Value {
    let mut request = right(name);
    request["status"] = json!({ "conditions": [
        { "type": "Approved", "status": "True", "reason": "spiffe.csi.cert-manager.io" }
    ] });
    request
}

fn decision(object: &Value) -> Option<String> {
    let conditions = object["status"]["conditions"].as_array()?;
    let decided: Vec<&Value> = conditions
        .iter()
        .filter(|condition| condition["type"] == "Approved" || condition["type"] == "Denied")
        .collect();
    assert!(decided.len() <= 1, "decided twice: {decided:?}");
    Some(decided.first()?["type"].as_str()?.to_owned())
}

fn message(object: &Value) -> &str {
    object["status"]["conditions"][0]["message"]
        .as_str()
        .unwrap()
}

fn is(wanted: &'static str) -> impl Fn(&Value) -> bool {
    move |object| decision(object).as_deref() == Some(wanted)
}

struct Running {
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), ApproverError>>,
    readiness: Readiness,
    metrics: Metrics,
}

impl Running {
    fn start(world: &World, name: &'static str, configuration: Configuration) -> Self {
        let approver = Approver::new(
            configuration,
            name.to_owned(),
            world.client(name),
            world.client(name),
            ENVIRONMENT,
            &mut Registry::default(),
        );
        let shutdown = CancellationToken::new();
        let (readiness, metrics) = (approver.readiness(), approver.metrics.clone());
        let task = tokio::spawn(approver.run(shutdown.clone()));
        Self {
            shutdown,
            task,
            readiness,
            metrics,
        }
    }

    async fn stop(self) {
        self.shutdown.cancel();
        timeout(Duration::from_secs(30), self.task)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn decides_what_is_there_and_what_comes() {
    let world = World::new();
    world.put(&key("early"), right("early"));
    world.put(&key("early-wrong"), wrong("early-wrong"));
    let approver = Running::start(&world, "a", configuration());
    world.until(&key("early"), is("Approved")).await;
    world.until(&key("early-wrong"), is("Denied")).await;
    world.put(&key("late"), right("late"));
    let object = world.until(&key("late"), is("Approved")).await;
    let condition = &object["status"]["conditions"][0];
    assert_eq!(condition["reason"], "spiffe.csi.cert-manager.io");
    assert_eq!(condition["status"], "True");
    assert!(condition["lastTransitionTime"].is_string());
    assert!(approver.readiness.is_ready());
    assert_eq!(approver.metrics.count_decided(DecisionOutcome::Approved), 2);
    assert_eq!(approver.metrics.count_decided(DecisionOutcome::Denied), 1);
    assert_eq!(approver.metrics.leader.get(), 1);
    let metrics = approver.metrics.clone();
    approver.stop().await;
    assert_eq!(metrics.leader.get(), 0);
    assert_eq!(world.decisions(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_denial_tells_the_requester_what_to_change() {
    let world = World::new();
    let approver = Running::start(&world, "a", configuration());
    world.put(&key("x"), wrong("x"));
    let object = world.until(&key("x"), is("Denied")).await;
    let message = message(&object);
    assert!(
        message.contains("spiffe://cluster.local/ns/payments/sa/other"),
        "{message}"
    );
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_decided_is_never_touched() {
    let world = World::new();
    for (name, type_, reason) in [
        ("a", "Approved", "cert-manager.io"),
        ("d", "Denied", "x"),
        ("i", "InvalidRequest", "x"),
    ] {
        let mut object = wrong(name);
        object["status"] =
            json!({ "conditions": [{ "type": type_, "status": "True", "reason": reason }] });
        world.put(&key(name), object);
    }
    let approver = Running::start(&world, "a", configuration());
    world.put(&key("last"), right("last"));
    world.until(&key("last"), is("Approved")).await;
    assert_eq!(world.decisions(), 1);
    assert_eq!(approver.metrics.count_elsewhere(Elsewhere::Approved), 1);
    assert_eq!(approver.metrics.count_elsewhere(Elsewhere::Denied), 1);
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn conditions_that_are_there_are_kept() {
    let world = World::new();
    let mut object = right("x");
    object["status"] = json!({
        "conditions": [{ "type": "Ready", "status": "False", "reason": "Pending" }],
        "ca": "eA==",
    });
    world.put(&key("x"), object);
    let approver = Running::start(&world, "a", configuration());
    let object = world.until(&key("x"), is("Approved")).await;
    assert_eq!(object["status"]["conditions"][0]["type"], "Ready");
    assert_eq!(object["status"]["ca"], "eA==");
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn failures_are_tried_again_with_patience() {
    let world = World::new();
    for effect in [
        Answer::InternalError,
        Answer::Forbidden,
        Answer::Hang,
        Answer::CloseAfterwards,
        Answer::TooManyRequests { retry_after: 30 },
    ] {
        world.inject("patch", &resource::CERTIFICATE_REQUESTS, effect);
    }
    let approver = Running::start(&world, "a", configuration());
    for name in ["a", "b", "c", "d", "e"] {
        world.put(&key(name), right(name));
    }
    let started = Instant::now();
    for name in ["a", "b", "c", "d", "e"] {
        world.until(&key(name), is("Approved")).await;
    }
    assert!(
        started.elapsed() >= Duration::from_secs(30),
        "Retry-After was not honoured"
    );
    sleep(Duration::from_secs(60)).await;
    assert_eq!(approver.metrics.errors.get(), 5);
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn another_issuers_requests_wait_until_it_is_ours() {
    let world = World::new();
    world.put(&map_key(), map("first"));
    let approver = Running::start(&world, "a", with_map());
    world.put(&key("flags"), right("flags"));
    world.put(&key("first"), request("first", "first"));
    world.put(&key("second"), request("second", "second"));
    world.until(&key("first"), is("Approved")).await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(decision(&world.object(&key("second")).unwrap()), None);
    assert_eq!(decision(&world.object(&key("flags")).unwrap()), None);
    world.put(&map_key(), map("second"));
    world.until(&key("second"), is("Approved")).await;
    world.delete(&map_key());
    world.until(&key("flags"), is("Approved")).await;
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_decided_before_the_config_map_was_read() {
    let world = World::new();
    for _ in 0..3 {
        let any = Filter {
            resource: Some("configmaps".to_owned()),
            ..Filter::any()
        };
        world.inject_into(any, Answer::InternalError);
    }
    let mut configuration = with_map();
    configuration.ordinary_requests = OrdinaryRequests::Approve;
    world.put(&key("x"), right("x"));
    let mut ordinary = request("ordinary", "web-ca");
    ordinary["metadata"]["annotations"] = json!({});
    world.put(&key("ordinary"), ordinary);
    let approver = Running::start(&world, "a", configuration);
    world
        .until(&lease(), |lease| lease["spec"]["holderIdentity"] == "a")
        .await;
    tokio::task::yield_now().await;
    assert!(!approver.readiness.is_ready());
    assert_eq!(world.decisions(), 0);
    world.until(&key("x"), is("Approved")).await;
    let asked = |verb| world.calls(verb, &resource::CONFIG_MAPS);
    assert!(asked("get") + asked("list") + asked("watch") >= 4);
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn ordinary_requests_are_approved_where_asked_for_but_never_into_an_svid() {
    let world = World::new();
    world.put(&map_key(), map("named"));
    let mut configuration = with_map();
    configuration.ordinary_requests = OrdinaryRequests::Approve;
    let approver = Running::start(&world, "a", configuration);
    let ordinary = |name: &str, issuer: Value| {
        let mut object = right(name);
        object["metadata"]["annotations"] = json!({});
        object["spec"]["issuerRef"] = issuer;
        object["spec"]["request"] = json!(EncodedBytes::encode(WEB_CSR));
        object["spec"]["isCA"] = json!(true);
        object
    };
    let cluster = |name: &str| json!({ "name": name, "kind": "ClusterIssuer", "group": "" });
    for (name, issuer, wanted) in [
        ("web", cluster("web-ca"), "Approved"),
        ("flags", cluster("spiffe-ca"), "Denied"),
        ("named", cluster("named"), "Denied"),
        ("namesake", json!({ "name": "named" }), "Approved"),
    ] {
        world.put(&key(name), ordinary(name, issuer));
        world.until(&key(name), is(wanted)).await;
    }
    world.put(&map_key(), map("later"));
    let mut hidden = right("hidden");
    hidden["metadata"]["annotations"] = json!({});
    hidden["spec"]["issuerRef"] = cluster("web-ca");
    world.put(&key("hidden"), hidden);
    world.until(&key("hidden"), is("Denied")).await;
    world.put(&key("earlier"), ordinary("earlier", cluster("named")));
    world.until(&key("earlier"), is("Denied")).await;
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn many_slow_decisions_of_one_namespace_leave_places_for_others() {
    let world = World::new();
    for _ in 0..20 {
        let slow = Filter::new("patch", "certificaterequests").within("payments");
        world.inject_into(slow, Answer::Hang);
    }
    for at in 0..40 {
        let name = format!("r{at:02}");
        world.put(&key(&name), right(&name));
    }
    let approver = Running::start(&world, "a", configuration());
    world
        .until(&lease(), |lease| lease["spec"]["holderIdentity"] == "a")
        .await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(
        world.decisions(),
        4,
        "half of all places, for one namespace"
    );
    world.add_namespace("shop");
    let other = Key::new(&resource::CERTIFICATE_REQUESTS, "shop", "x");
    let mut stranger = right("x");
    stranger["metadata"]["namespace"] = json!("shop");
    let created = Instant::now();
    world.put(&other, stranger);
    world.until(&other, is("Denied")).await;
    assert!(created.elapsed() < Duration::from_secs(1));
    for at in 0..40 {
        world
            .until(&key(&format!("r{at:02}")), is("Approved"))
            .await;
    }
    assert_eq!(
        approver.metrics.count_decided(DecisionOutcome::Approved),
        40
    );
    approver.stop().await;
}

/// A signing request for DNS name `example.org`, made with OpenSSL on a P-256 key.
const WEB_CSR: &str = include_str!("web.csr");
