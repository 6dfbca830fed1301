use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use svid_client::issuer::IssuerState;
use svid_core::policy::{Credentials, IssuerReference};
use svid_corpus::World;
use svid_corpus::craft::Craft;
use svid_corpus::export::{Export, exports};

use super::*;
use crate::configuration::OrdinaryRequests;
use crate::controller::candidate::Classified;

const OTHER: &str = "cert-manager.io";

fn issuers() -> Issuers {
    let ours = World::default().issuer().clone();
    Issuers {
        current: IssuerState::Known(ours.clone().into()),
        ever: [ours].into(),
    }
}

/// A right request, as it is stored after it was decided.
fn right(uid: &str) -> Value {
    let world = World::default();
    let request = svid_api::certmanager::EncodedBytes::encode(Craft::new().pem());
    let IssuerReference { name, kind, group } = world.issuer();
    json!({
        "apiVersion": "cert-manager.io/v1",
        "kind": "CertificateRequest",
        "metadata": {
            "name": uid,
            "namespace": world.namespace(),
            "uid": uid,
            "resourceVersion": "7",
            "generation": 1,
            "annotations": { "spiffe.csi.cert-manager.io/identity": world.identity() },
        },
        "spec": {
            "request": request,
            "issuerRef": { "name": name, "kind": kind, "group": group },
            "duration": "1h",
            "usages": ["client auth", "server auth", "key encipherment", "digital signature"],
            "username": world.requester().username,
        },
    })
}

fn decided(mut object: Value, type_: &str, reason: &str) -> Decided {
    let condition = json!({ "type": type_, "status": "True", "reason": reason });
    object["status"] = json!({ "conditions": [condition] });
    let object = serde_json::from_value(object).unwrap();
    match Classified::read(object, OrdinaryRequests::LeaveAlone) {
        Classified::Decided(decided) => *decided,
        classified @ (Classified::Undecided(_) | Classified::Settled(_)) => {
            panic!("{classified:?}")
        }
    }
}

struct Watched {
    bystander: Bystander,
    metrics: Metrics,
}

impl Watched {
    fn new() -> Self {
        let metrics = Metrics::register(&mut Registry::default());
        let bystander = Bystander::new(&Attestation::PodToken(Credentials::Any), metrics.clone());
        Self { bystander, metrics }
    }

    fn notice(&mut self, decided: Decided) -> u64 {
        self.bystander.notice(decided, &issuers());
        self.metrics.count_elsewhere(Elsewhere::Approved)
    }

    fn denials(&self) -> u64 {
        self.metrics.count_elsewhere(Elsewhere::Denied)
    }
}

#[test]
fn each_request_of_ours_is_reported_once() {
    let mut watched = Watched::new();
    let mut another = right("3");
    another["spec"]["issuerRef"]["name"] = json!("another");
    let others = |uid: &str| decided(right(uid), "Approved", OTHER);
    watched.bystander.begin_list();
    assert_eq!(
        watched.notice(others("1")),
        0,
        "reported at the end of the list"
    );
    assert_eq!(watched.notice(others("1")), 0);
    watched.bystander.end_list();
    assert_eq!(watched.notice(others("1")), 1);
    assert_eq!(watched.notice(others("2")), 2);
    assert_eq!(watched.notice(others("2")), 2);
    assert_eq!(watched.notice(decided(another, "Approved", OTHER)), 2);
    watched.bystander.begin_list();
    assert_eq!(watched.notice(others("2")), 2);
    watched.bystander.end_list();
    assert_eq!(
        watched.bystander.memory.len(),
        1,
        "what was not listed is forgotten"
    );
    // A list that breaks off is started again.
    for _ in 0..2 {
        watched.bystander.begin_list();
        watched.notice(others("2"));
        watched.notice(others("4"));
    }
    watched.bystander.end_list();
    assert_eq!(watched.notice(others("4")), 3);
    watched.bystander.forget("4");
    watched.bystander.forget("2");
    assert_eq!(watched.bystander.memory.len(), 0);
}

#[test]
fn an_approval_that_copies_our_reason_is_reported_and_one_that_may_have_been_ours_is_not() {
    let forged = |change: fn(&mut Value)| {
        let mut object = right("x");
        change(&mut object);
        Watched::new().notice(decided(object, "Approved", REASON))
    };
    for (what, change, expected) in [
        ("ours", (|_| {}) as fn(&mut Value), 0),
        (
            "of another lifetime",
            |it| it["spec"]["duration"] = json!("8760h"),
            0,
        ),
        (
            "of another account",
            |it| it["spec"]["username"] = json!("system:serviceaccount:payments:b"),
            1,
        ),
        ("of nobody", |it| it["spec"]["username"] = json!("alice"), 1),
        ("a CA", |it| it["spec"]["isCA"] = json!(true), 1),
        (
            "not annotated",
            |it| it["metadata"]["annotations"] = json!({}),
            1,
        ),
        (
            "in another namespace",
            |it| it["metadata"]["namespace"] = json!("b"),
            1,
        ),
        ("garbage", |it| it["spec"]["request"] = json!("eA=="), 1),
        (
            "without a request",
            |it| it["spec"]["request"] = json!(null),
            1,
        ),
    ] {
        assert_eq!(forged(change), expected, "{what}");
    }
}

#[test]
fn a_denial_is_reported_by_its_reason_alone() {
    let mut watched = Watched::new();
    watched.notice(decided(right("1"), "Denied", REASON));
    assert_eq!(watched.denials(), 0);
    watched.notice(decided(right("2"), "Denied", OTHER));
    assert_eq!(watched.denials(), 1);
}

/// The object as the API server and cert-manager's webhook complete it.
fn stored(export: &Export, uid: &str) -> Value {
    let mut object = export.stored();
    object["metadata"]["uid"] = json!(uid);
    object
}

#[test]
fn hostile_requests_that_were_approved_are_reported_and_right_ones_are_not() {
    let mut watched = Watched::new();
    let mut reported = 0;
    for (at, export) in exports(&World::default()).into_iter().enumerate() {
        let decided = decided(stored(&export, &at.to_string()), "Approved", REASON);
        let is_ours = issuers().ever.contains(&decided.issuer());
        let now = watched.notice(decided);
        let is_reported = now > reported;
        reported = now;
        match export.expect {
            svid_corpus::Expect::Approve => assert!(!is_reported, "{}", export.name),
            // One for our issuer lacks the annotation, and the issuer does not look for that.
            svid_corpus::Expect::LeaveAlone => assert_eq!(is_reported, is_ours, "{}", export.name),
            svid_corpus::Expect::Deny(rule) => {
                use svid_core::policy::Rule::{
                    Duration, ExtraAnnotations, Generation, Identity, TrustDomain,
                };
                let may_be_right = matches!(
                    rule,
                    Duration | ExtraAnnotations | Identity | TrustDomain | Generation
                );
                assert!(is_reported || may_be_right, "{}", export.name);
            }
        }
    }
    assert!(reported > 450, "{reported}");
}
