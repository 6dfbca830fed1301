//! A request as the API server stores it, and what must hold of any that the approver reads.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Value, json};
use svid_api::certmanager::{EncodedBytes, StoredRequest};
use svid_approver::testing::{Seen, see};
use svid_client::watch::Unreadable;
use svid_core::policy::{
    Decision, DurationField, IssuerReference, MAX_REQUEST_BYTES, Request, evaluate,
    evaluate_approved,
};
use svid_corpus::craft::{Craft, Signer};
use svid_corpus::{VALID_ID, policy};

use crate::assert_tellable;

/// A request that is approved. The same bytes each time.
pub(crate) fn right() -> Value {
    static PEM: OnceLock<Vec<u8>> = OnceLock::new();
    let pem = PEM.get_or_init(|| Craft::with(Signer::fixed_ed25519()).pem());
    let IssuerReference { name, kind, group } = policy().issuer;
    json!({
        "metadata": {
            "name": "x",
            "namespace": "payments",
            "uid": "u",
            "resourceVersion": "7",
            "generation": 1,
            "annotations": {(IDENTITY): VALID_ID},
        },
        "spec": {
            "request": EncodedBytes::encode(pem),
            "issuerRef": {"name": name, "kind": kind, "group": group},
            "duration": "1h",
            "usages": svid_corpus::USAGES,
            "username": "system:serviceaccount:payments:api",
        },
    })
}

/// Changes of a right request that reach every part of its reading.
pub(crate) fn variants() -> Vec<Value> {
    let condition = |type_: &str| json!({"type": type_, "status": "True", "reason": "x"});
    let ready = json!({"type": "Ready", "status": "False", "reason": "Pending"});
    let owner = json!({"apiVersion": "v1", "kind": "Pod", "name": "api-7", "uid": "p"});
    let long = "n".repeat(600);
    let claims = svid_corpus::claims();
    let changes = [
        ("/spec/isCA", json!(true)),
        ("/spec/isCA", json!(null)),
        ("/spec/duration", json!("3600s")),
        ("/spec/duration", json!("99999999999h")),
        ("/spec/usages", json!(["any", "server auth"])),
        ("/spec/usages", json!(vec!["client auth"; 20])),
        ("/spec/username", json!("system:serviceaccount:payments:b")),
        ("/spec/username", json!(long)),
        ("/spec/extra", json!(claims)),
        (
            "/spec/extra",
            json!({"authentication.kubernetes.io/pod-name": null}),
        ),
        ("/spec/request", json!("%%%")),
        ("/spec/issuerRef", json!({"name": "other"})),
        ("/metadata/ownerReferences", json!([owner])),
        ("/metadata/ownerReferences", json!(null)),
        ("/metadata/generation", json!(2)),
        ("/metadata/annotations", json!(null)),
        (
            "/metadata/annotations",
            json!({(IDENTITY): VALID_ID, "a": "b"}),
        ),
        (
            "/metadata/annotations",
            json!({(IDENTITY): long, "cert-manager.io/x": null}),
        ),
        ("/metadata/deletionTimestamp", json!("2026-11-23T10:00:00Z")),
        (
            "/metadata/managedFields",
            json!([{"time": "10000-01-01T00:00:00Z"}]),
        ),
        ("/status", json!({"conditions": [condition("Approved")]})),
        (
            "/status",
            json!({"conditions": [ready, condition("Denied"), condition("Odd")]}),
        ),
        (
            "/status",
            json!({"conditions": null, "certificate": "eA=="}),
        ),
        (
            "/status",
            json!({"conditions": [condition("InvalidRequest")]}),
        ),
    ];
    let changed = changes.into_iter().map(|(path, value)| {
        let (parent, field) = path.rsplit_once('/').unwrap();
        let mut object = right();
        object.pointer_mut(parent).unwrap()[field] = value;
        object
    });
    [right()].into_iter().chain(changed).collect()
}

/// What must hold of an object that was read, or could not be: `json` is what was sent of it.
pub(crate) fn assert_promises(json: &[u8], read: Result<&StoredRequest, &Unreadable>) {
    let object = match read {
        Ok(object) => object.clone(),
        Err(unreadable) => return assert_tellable(&unreadable.error, 200),
    };
    // None where it has parts that another reader cannot keep, a number beyond all limits for one.
    let value = serde_json::from_slice::<Value>(json).ok();
    match see(object) {
        Seen::Identity(request) => {
            assert_small(&request);
            if let Decision::Approve(approval) = evaluate(&policy(), &request) {
                assert_eq!(approval.spiffe_id().as_str(), VALID_ID);
                if let Some(value) = value.filter(has_shape) {
                    assert_said(&request, &value);
                    assert_eq!(decisions(&value), 0, "{value}");
                }
                // What is approved here never looks like another's decision later.
                assert!(evaluate_approved(*request, None).is_ok());
            }
        }
        Seen::Ordinary(request) => {
            assert!(request.csr_pem.len() <= MAX_REQUEST_BYTES + 1);
            if let Some(value) = value.filter(has_shape) {
                assert_eq!(decisions(&value), 0, "{value}");
            }
        }
        Seen::Decided(request) => {
            assert_small(&request);
            if let Some(value) = value.filter(has_shape) {
                assert!(decisions(&value) > 0, "{value}");
            }
            if let Err(denial) = evaluate_approved(*request, None) {
                assert_tellable(&denial.message(), 1024);
            }
        }
        Seen::Settled => {}
    }
}

/// Whatever was sent, what is kept is of a size that a standby can keep thousands of.
fn assert_small(request: &Request) {
    assert!(request.csr_pem.len() <= MAX_REQUEST_BYTES + 1);
    assert!(request.identity_annotation.len() <= 4096);
    assert!(request.requester.username.len() <= 512);
    assert!(request.owners.len() <= 16 && request.annotations.read.len() <= 32);
    let texts = request
        .usages
        .iter()
        .flatten()
        .chain(request.requester.extra.values().flatten());
    let texts: Vec<&String> = texts.collect();
    assert!(texts.len() <= 16 + 4 * 2 && texts.iter().all(|text| text.len() <= 256));
}

/// An approved request says the same to a reader that knows nothing of ours.
fn assert_said(request: &Request, value: &Value) {
    let text = |path: &str| {
        value
            .pointer(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    assert_eq!(text("/metadata/namespace"), request.namespace);
    assert_eq!(text("/spec/username"), request.requester.username);
    assert_eq!(value["metadata"]["annotations"][IDENTITY], VALID_ID);
    assert_eq!(value["metadata"]["generation"], 1);
    let (name, kind) = (text("/spec/issuerRef/name"), text("/spec/issuerRef/kind"));
    let issuer = IssuerReference::new(name, kind, text("/spec/issuerRef/group"));
    assert_eq!(issuer, request.issuer);
    assert!(matches!(
        value["spec"]["isCA"],
        Value::Null | Value::Bool(false)
    ));
    assert_eq!(value["spec"]["usages"], json!(request.usages));
    assert_eq!(
        request.duration,
        DurationField::Nanoseconds(3_600_000_000_000)
    );
    // As Go reads it: without line ends, and whatever the last letter's unused bits are.
    let csr = text("/spec/request").replace(['\r', '\n'], "");
    let config = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    let csr = GeneralPurpose::new(&STANDARD, config).decode(csr);
    assert_eq!(csr.as_ref(), Ok(&request.csr_pem));
}

/// How many conditions decide on the request.
fn decisions(value: &Value) -> usize {
    let conditions = value["status"]["conditions"].as_array();
    let conditions = conditions.into_iter().flatten();
    conditions
        .filter(|it| it["type"] == "Approved" || it["type"] == "Denied")
        .count()
}

/// Whether objects are objects: our reader also takes the fields in a list, one after another,
/// which no API server sends.
fn has_shape(value: &Value) -> bool {
    let is = |path: &str| {
        value
            .pointer(path)
            .is_none_or(|it| it.is_object() || it.is_null())
    };
    let conditions = value["status"]["conditions"].as_array();
    value.is_object()
        && [
            "/metadata",
            "/metadata/annotations",
            "/spec",
            "/spec/issuerRef",
            "/status",
        ]
        .into_iter()
        .all(is)
        && conditions.into_iter().flatten().all(Value::is_object)
}

const IDENTITY: &str = "spiffe.csi.cert-manager.io/identity";
