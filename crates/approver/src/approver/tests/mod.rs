//! The whole approver over a fake API server, with paused time.

mod attested;

use std::time::Duration;

use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use svid_api::certmanager::EncodedBytes;
use svid_core::identity::{DriverName, SpiffeId, TrustDomain};
use svid_core::policy::{Attestation, Credentials, IssuerReference};
use svid_core::svid::{CertificateSigningRequest, PrivateKey};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::*;
use svid_client::issuer::ConfigMapName;

use crate::configuration::OrdinaryRequests;
use crate::fake::{Effect, Fake};
use crate::metrics::{Elsewhere, Outcome};

const LEASE: &str =
    "/apis/coordination.k8s.io/v1/namespaces/cert-manager/leases/spiffe.csi.cert-manager.io";
const MAP: &str = "/api/v1/namespaces/cert-manager/configmaps/issuer";

fn path(name: &str) -> String {
    format!("/apis/cert-manager.io/v1/namespaces/payments/certificaterequests/{name}")
}

fn configuration() -> Configuration {
    Configuration {
        driver_name: DriverName::parse("spiffe.csi.cert-manager.io").unwrap(),
        trust_domain: TrustDomain::parse("cluster.local").unwrap(),
        certificate_duration: Duration::from_secs(3600),
        issuer: Some(IssuerReference::new("spiffe-ca", "ClusterIssuer", "")),
        runtime_issuance: None,
        attestation: Attestation::PodToken(Credentials::Any),
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

/// A right request for service account `api`, with changes merged into it.
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
            "uid": format!("uid of {name}"),
            "generation": 1,
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

fn decision(object: &Value) -> Option<String> {
    let conditions = object["status"]["conditions"].as_array()?;
    let decided: Vec<&Value> = conditions
        .iter()
        .filter(|condition| condition["type"] == "Approved" || condition["type"] == "Denied")
        .collect();
    assert!(decided.len() <= 1, "decided twice: {decided:?}");
    Some(decided.first()?["type"].as_str()?.to_owned())
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
    fn start(fake: &Fake, name: &'static str, configuration: Configuration) -> Self {
        let approver = Approver::new(
            configuration,
            name.to_owned(),
            fake.client(name),
            fake.client(name),
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
    let fake = Fake::default();
    fake.put(&path("early"), right("early"));
    fake.put(&path("early-wrong"), wrong("early-wrong"));
    let approver = Running::start(&fake, "a", configuration());
    fake.until(&path("early"), is("Approved")).await;
    fake.until(&path("early-wrong"), is("Denied")).await;
    fake.put(&path("late"), right("late"));
    let object = fake.until(&path("late"), is("Approved")).await;
    let condition = &object["status"]["conditions"][0];
    assert_eq!(condition["reason"], "spiffe.csi.cert-manager.io");
    assert_eq!(condition["status"], "True");
    assert!(condition["lastTransitionTime"].is_string());
    assert!(approver.readiness.is_ready());
    assert_eq!(approver.metrics.count_decided(Outcome::Approved), 2);
    assert_eq!(approver.metrics.count_decided(Outcome::Denied), 1);
    assert_eq!(approver.metrics.leader.get(), 1);
    let metrics = approver.metrics.clone();
    approver.stop().await;
    assert_eq!(metrics.leader.get(), 0);
    assert_eq!(fake.calls("PATCH"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_denial_tells_the_requester_what_to_change() {
    let fake = Fake::default();
    let approver = Running::start(&fake, "a", configuration());
    fake.put(&path("x"), wrong("x"));
    let object = fake.until(&path("x"), is("Denied")).await;
    let message = object["status"]["conditions"][0]["message"]
        .as_str()
        .unwrap();
    assert!(
        message.contains("spiffe://cluster.local/ns/payments/sa/other"),
        "{message}"
    );
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_decided_is_never_touched() {
    let fake = Fake::default();
    for (name, type_, reason) in [
        ("a", "Approved", "cert-manager.io"),
        ("d", "Denied", "x"),
        ("i", "InvalidRequest", "x"),
    ] {
        let mut object = wrong(name);
        object["status"] =
            json!({ "conditions": [{ "type": type_, "status": "True", "reason": reason }] });
        fake.put(&path(name), object);
    }
    let approver = Running::start(&fake, "a", configuration());
    fake.put(&path("last"), right("last"));
    fake.until(&path("last"), is("Approved")).await;
    assert_eq!(fake.calls("PATCH"), 1);
    assert_eq!(approver.metrics.count_elsewhere(Elsewhere::Approved), 1);
    assert_eq!(approver.metrics.count_elsewhere(Elsewhere::Denied), 1);
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn conditions_that_are_there_are_kept() {
    let fake = Fake::default();
    let mut object = right("x");
    object["status"] = json!({
        "conditions": [{ "type": "Ready", "status": "False", "reason": "Pending" }],
        "ca": "eA==",
    });
    fake.put(&path("x"), object);
    let approver = Running::start(&fake, "a", configuration());
    let object = fake.until(&path("x"), is("Approved")).await;
    assert_eq!(object["status"]["conditions"][0]["type"], "Ready");
    assert_eq!(object["status"]["ca"], "eA==");
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_changes_under_the_decision_is_judged_anew() {
    let fake = Fake::default();
    let edited = json!({
        "metadata": { "generation": 2 },
        "spec": { "username": "system:serviceaccount:payments:api" },
    });
    fake.inject("PATCH", Effect::ChangeFirst(edited));
    fake.put(&path("x"), right("x"));
    let approver = Running::start(&fake, "a", configuration());
    let object = fake.until(&path("x"), is("Denied")).await;
    let message = object["status"]["conditions"][0]["message"]
        .as_str()
        .unwrap();
    assert!(message.contains("edited"), "{message}");
    assert_eq!(approver.metrics.conflicts.get(), 1);
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_somebody_else_decides_meanwhile_is_left_to_them() {
    let fake = Fake::default();
    let denied = json!({ "status": { "conditions": [
        { "type": "Denied", "status": "True", "reason": "x" }
    ] } });
    fake.inject("PATCH", Effect::ChangeFirst(denied));
    fake.put(&path("x"), right("x"));
    let approver = Running::start(&fake, "a", configuration());
    fake.until(&path("x"), is("Denied")).await;
    sleep(Duration::from_secs(120)).await;
    assert_eq!(fake.calls("PATCH"), 1);
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn failures_are_tried_again_with_patience() {
    let fake = Fake::default();
    for effect in [
        Effect::Status(500, None),
        Effect::Status(403, None),
        Effect::Hang,
        Effect::LoseAnswer,
        Effect::Status(429, Some(30)),
    ] {
        fake.inject("PATCH", effect);
    }
    let approver = Running::start(&fake, "a", configuration());
    for name in ["a", "b", "c", "d", "e"] {
        fake.put(&path(name), right(name));
    }
    let started = Instant::now();
    for name in ["a", "b", "c", "d", "e"] {
        fake.until(&path(name), is("Approved")).await;
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
async fn a_request_that_is_gone_is_forgotten() {
    let fake = Fake::default();
    fake.inject("PATCH", Effect::Status(404, None));
    fake.put(&path("x"), right("x"));
    let approver = Running::start(&fake, "a", configuration());
    fake.put(&path("y"), right("y"));
    fake.until(&path("y"), is("Approved")).await;
    fake.delete(&path("x"));
    sleep(Duration::from_secs(120)).await;
    assert_eq!(approver.metrics.errors.get(), 0);
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_broken_object_does_not_hide_the_others() {
    let fake = Fake::default();
    let mut broken = right("broken");
    broken["spec"]["usages"] = json!("not a list");
    fake.put(&path("broken"), broken);
    fake.put(&path("x"), right("x"));
    let approver = Running::start(&fake, "a", configuration());
    fake.until(&path("x"), is("Approved")).await;
    assert_eq!(approver.metrics.unreadable.get(), 1);
    assert_eq!(decision(&fake.object(&path("broken")).unwrap()), None);
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn another_issuers_requests_wait_until_it_is_ours() {
    let fake = Fake::default();
    fake.put(MAP, map("first"));
    let approver = Running::start(&fake, "a", with_map());
    fake.put(&path("flags"), right("flags"));
    fake.put(&path("first"), request("first", "first"));
    fake.put(&path("second"), request("second", "second"));
    fake.until(&path("first"), is("Approved")).await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(decision(&fake.object(&path("second")).unwrap()), None);
    assert_eq!(decision(&fake.object(&path("flags")).unwrap()), None);
    fake.put(MAP, map("second"));
    fake.until(&path("second"), is("Approved")).await;
    fake.delete(MAP);
    fake.until(&path("flags"), is("Approved")).await;
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_decided_before_the_config_map_was_read() {
    let fake = Fake::default();
    for _ in 0..3 {
        fake.inject(
            "GET /api/v1/namespaces/cert-manager/configmaps",
            Effect::Status(500, None),
        );
    }
    let mut configuration = with_map();
    configuration.ordinary_requests = OrdinaryRequests::Approve;
    fake.put(&path("x"), right("x"));
    let mut ordinary = request("ordinary", "web-ca");
    ordinary["metadata"]["annotations"] = json!({});
    fake.put(&path("ordinary"), ordinary);
    let approver = Running::start(&fake, "a", configuration);
    fake.until(LEASE, |lease| lease["spec"]["holderIdentity"] == "a")
        .await;
    tokio::task::yield_now().await;
    assert!(!approver.readiness.is_ready());
    assert_eq!(fake.calls("PATCH"), 0);
    fake.until(&path("x"), is("Approved")).await;
    assert!(fake.calls("GET /api/v1/namespaces/cert-manager/configmaps") >= 4);
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn ordinary_requests_are_approved_where_asked_for_but_never_into_an_svid() {
    let fake = Fake::default();
    fake.put(MAP, map("named"));
    let mut configuration = with_map();
    configuration.ordinary_requests = OrdinaryRequests::Approve;
    let approver = Running::start(&fake, "a", configuration);
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
        fake.put(&path(name), ordinary(name, issuer));
        fake.until(&path(name), is(wanted)).await;
    }
    fake.put(MAP, map("later"));
    let mut hidden = right("hidden");
    hidden["metadata"]["annotations"] = json!({});
    hidden["spec"]["issuerRef"] = cluster("web-ca");
    fake.put(&path("hidden"), hidden);
    fake.until(&path("hidden"), is("Denied")).await;
    fake.put(&path("earlier"), ordinary("earlier", cluster("named")));
    fake.until(&path("earlier"), is("Denied")).await;
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_standby_is_ready_decides_nothing_and_takes_over_at_once() {
    let fake = Fake::default();
    let a = Running::start(&fake, "a", configuration());
    fake.until(LEASE, |lease| lease["spec"]["holderIdentity"] == "a")
        .await;
    let b = Running::start(&fake, "b", configuration());
    fake.put(&path("x"), right("x"));
    fake.until(&path("x"), is("Approved")).await;
    sleep(Duration::from_secs(30)).await;
    assert!(b.readiness.is_ready());
    assert_eq!(b.metrics.count_decided(Outcome::Approved), 0);
    a.stop().await;
    let stopped = Instant::now();
    fake.put(&path("y"), right("y"));
    fake.until(&path("y"), is("Approved")).await;
    assert!(
        stopped.elapsed() <= Duration::from_secs(3),
        "{:?}",
        stopped.elapsed()
    );
    assert_eq!(b.metrics.count_decided(Outcome::Approved), 1);
    b.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_is_cut_off_decides_nothing_more() {
    let fake = Fake::default();
    let a = Running::start(&fake, "a", configuration());
    fake.until(LEASE, |lease| lease["spec"]["holderIdentity"] == "a")
        .await;
    let b = Running::start(&fake, "b", configuration());
    sleep(Duration::from_secs(5)).await;
    fake.partition("a", true);
    fake.put(&path("x"), right("x"));
    fake.until(&path("x"), is("Approved")).await;
    assert_eq!(b.metrics.count_decided(Outcome::Approved), 1);
    sleep(Duration::from_secs(30)).await;
    assert_eq!(a.metrics.leader.get(), 0);
    fake.partition("a", false);
    fake.put(&path("y"), right("y"));
    fake.until(&path("y"), is("Approved")).await;
    assert_eq!(a.metrics.count_decided(Outcome::Approved), 0);
    a.stop().await;
    b.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_watch_misses_nothing() {
    let fake = Fake::default();
    let approver = Running::start(&fake, "a", configuration());
    for name in ["one", "two", "three"] {
        fake.put(&path(name), right(name));
        fake.until(&path(name), is("Approved")).await;
        fake.drop_watches();
        tokio::task::yield_now().await;
    }
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn many_requests_are_decided_a_bounded_number_at_a_time() {
    let fake = Fake::default();
    for _ in 0..20 {
        fake.inject("PATCH", Effect::Hang);
    }
    for at in 0..40 {
        let name = format!("r{at:02}");
        fake.put(&path(&name), right(&name));
    }
    let approver = Running::start(&fake, "a", configuration());
    fake.until(LEASE, |lease| lease["spec"]["holderIdentity"] == "a")
        .await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(fake.calls("PATCH"), 16);
    for at in 0..40 {
        fake.until(&path(&format!("r{at:02}")), is("Approved"))
            .await;
    }
    assert_eq!(approver.metrics.count_decided(Outcome::Approved), 40);
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_what_is_under_way_and_gives_the_lease_away() {
    let fake = Fake::default();
    let approver = Running::start(&fake, "a", configuration());
    fake.until(LEASE, |lease| lease["spec"]["holderIdentity"] == "a")
        .await;
    fake.inject("PATCH", Effect::Hang);
    fake.put(&path("x"), right("x"));
    sleep(Duration::from_millis(100)).await;
    assert_eq!(fake.calls("PATCH"), 1);
    let told = Instant::now();
    approver.stop().await;
    assert!(
        told.elapsed() <= Duration::from_secs(6),
        "{:?}",
        told.elapsed()
    );
    assert_eq!(fake.object(LEASE).unwrap()["spec"]["holderIdentity"], "");
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_while_nothing_answers_ends_all_the_same() {
    let fake = Fake::default();
    let approver = Running::start(&fake, "a", with_map());
    sleep(Duration::from_secs(5)).await;
    fake.partition("a", true);
    sleep(Duration::from_secs(1)).await;
    approver.stop().await;
}

/// A signing request for DNS name `example.org`, made with OpenSSL on a P-256 key.
const WEB_CSR: &str = include_str!("web.csr");
