//! The objects of cert-manager, as the API server sends them.

use serde_json::{Value, json};

use super::*;

/// A request as cert-manager 1.21 leaves it, with the fields set in `status`.
fn object(status: &Value) -> Value {
    json!({
        "apiVersion": "cert-manager.io/v1",
        "kind": "CertificateRequest",
        "metadata": { "name": "a", "namespace": "b", "generation": 1 },
        "spec": {
            "duration": "1h0m0s",
            "issuerRef": { "group": "cert-manager.io", "kind": "ClusterIssuer", "name": "ca" },
            "request": "Q1NS",
            "isCA": false,
            "usages": ["digital signature", "key encipherment", "server auth", "client auth"],
            "username": "system:serviceaccount:b:c",
            "uid": "1",
            "groups": ["system:serviceaccounts"],
            "extra": { "authentication.kubernetes.io/pod-uid": ["2"] }
        },
        "status": status
    })
}

fn with_status(status: &Value) -> CertificateRequest {
    serde_json::from_value(object(status)).unwrap()
}

fn condition(type_: &str, status: &str, reason: &str) -> Value {
    json!({ "type": type_, "status": status, "reason": reason, "message": "because" })
}

#[test]
fn an_object_is_read_and_written_without_a_change() {
    let value = object(&json!({
        "conditions": [{
            "type": "Ready",
            "status": "True",
            "reason": "Issued",
            "message": "done",
            "lastTransitionTime": "2026-11-23T20:00:00Z",
            "observedGeneration": 1
        }],
        "certificate": "Q0VSVA==",
        "ca": "Q0E=",
        "failureTime": "2026-11-23T20:00:01Z"
    }));
    let read: CertificateRequest = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(read.spec.request.decode().unwrap(), b"CSR");
    assert_eq!(serde_json::to_value(&read).unwrap(), value);
}

#[test]
fn what_is_absent_is_not_written() {
    let spec = CertificateRequestSpec {
        issuer_ref: IssuerRef {
            name: "ca".into(),
            ..IssuerRef::default()
        },
        request: EncodedBytes::encode("CSR"),
        ..CertificateRequestSpec::default()
    };
    assert_eq!(
        serde_json::to_value(spec).unwrap(),
        json!({ "issuerRef": { "name": "ca" }, "request": "Q1NS" })
    );
}

#[test]
fn odd_objects_are_read_all_the_same() {
    for (path, odd) in [
        ("/spec/duration", json!("99999999999999999999h")),
        ("/spec/duration", json!(null)),
        ("/spec/request", json!("no base64, \u{0}")),
        ("/spec/usages", json!(["", "a usage of tomorrow"])),
        ("/spec/usages", json!(null)),
        ("/spec/groups", json!(null)),
        ("/spec/extra", json!(null)),
        ("/spec/username", json!(null)),
        ("/spec/isCA", json!(null)),
        ("/spec/issuerRef/kind", json!(null)),
        ("/status", json!(null)),
        ("/status/conditions", json!(null)),
        (
            "/status/conditions",
            json!([{ "type": "", "status": "Perhaps" }]),
        ),
        ("/status/certificate", json!("%")),
        ("/status/failureTime", json!("yesterday")),
        (
            "/status/conditions",
            json!([{
                "type": "Ready", "status": "False", "lastTransitionTime": "0000-00-00"
            }]),
        ),
        ("/status/colour", json!("green")),
    ] {
        let mut value = object(&json!({ "conditions": [], "colour": "" , "certificate": "",
            "failureTime": null }));
        *value.pointer_mut(path).unwrap() = odd.clone();
        let read = serde_json::from_value::<CertificateRequest>(value);
        assert!(read.is_ok(), "{path} {odd}: {read:?}");
    }
}

#[test]
fn decodes_base64_as_go_does() {
    // Each row tried with Go's base64.StdEncoding.
    for (text, bytes) in [
        ("", Some("")),
        ("Q1NS", Some("CSR")),
        ("Q1\nN\r\nS\n", Some("CSR")),
        ("\n", Some("")),
        ("Q0E=", Some("CA")),
        ("Q0E=\n", Some("CA")),
        ("Q0E\n=", Some("CA")),
        // The unused bits of the last letter are not zero.
        ("Q0F=", Some("CA")),
        ("Q0E", None),
        ("Q0E==", None),
        ("Q0E=Q0E=", None),
        ("Q1 NS", None),
        ("Q1\tNS", None),
        ("Q1-_", None),
        ("=", None),
    ] {
        let decoded = EncodedBytes::from(text.to_owned()).decode();
        assert_eq!(
            decoded.ok().as_deref(),
            bytes.map(str::as_bytes),
            "{text:?}"
        );
    }
}

#[test]
fn progress_follows_the_conditions() {
    let denied = condition("Denied", "True", "policy");
    let approved = condition("Approved", "True", "policy");
    let issued = condition("Ready", "True", "Issued");
    let table = [
        (json!(null), "Undecided"),
        (json!({}), "Undecided"),
        (
            json!({ "conditions": [condition("Approved", "False", "")] }),
            "Undecided",
        ),
        (
            json!({ "conditions": [condition("Ready", "False", "Pending")] }),
            "Undecided",
        ),
        (json!({ "conditions": [approved] }), "Approved"),
        (
            json!({ "conditions": [approved, condition("Ready", "False", "Pending")] }),
            "Approved",
        ),
        // Ready without a certificate is not issued.
        (json!({ "conditions": [approved, issued] }), "Approved"),
        (
            json!({ "conditions": [approved, issued], "certificate": "" }),
            "Approved",
        ),
        (
            json!({ "conditions": [approved, issued], "certificate": "Q0VSVA==" }),
            "Issued",
        ),
        (
            json!({ "conditions": [issued, denied], "certificate": "Q0VSVA==" }),
            "Denied",
        ),
        (json!({ "conditions": [denied] }), "Denied"),
        (
            json!({ "conditions": [condition("Ready", "False", "Denied")] }),
            "Denied",
        ),
        (
            json!({ "conditions": [approved, condition("Ready", "False", "Failed")] }),
            "Failed",
        ),
        (
            json!({ "conditions": [approved, condition("InvalidRequest", "True", "")] }),
            "Invalid",
        ),
    ];
    for (status, expected) in table {
        let request = with_status(&status);
        let progress = match request.progress() {
            Progress::Undecided => "Undecided",
            Progress::Approved => "Approved",
            Progress::Issued(_) => "Issued",
            Progress::Denied(_) => "Denied",
            Progress::Failed(_) => "Failed",
            Progress::Invalid(_) => "Invalid",
        };
        assert_eq!(progress, expected, "{status}");
    }
}

#[test]
fn a_refusal_comes_with_its_words() {
    let request = with_status(&json!({ "conditions": [condition("Denied", "True", "policy")] }));
    assert!(request.is_denied() && !request.is_approved() && !request.is_invalid());
    let Progress::Denied(condition) = request.progress() else {
        panic!("not denied")
    };
    assert_eq!(condition.message.as_deref(), Some("because"));
    assert_eq!(condition.reason.as_deref(), Some("policy"));
}
