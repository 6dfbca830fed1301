//! cert-manager's objects, as the API server sends them.

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

fn with_status(status: &Value) -> StoredRequest {
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
        let read = serde_json::from_value::<CertificateRequest>(value.clone());
        assert!(read.is_ok(), "{path} {odd}: {read:?}");
        let read = serde_json::from_value::<StoredRequest>(value);
        assert!(read.is_ok(), "{path} {odd}: {read:?}");
    }
}

#[test]
fn a_decision_is_read_however_many_conditions_stand_before_it() {
    let ready = json!({ "type": "Ready", "status": "False" });
    let odd = json!({ "type": "Odd", "status": "True" });
    let mut conditions = [vec![ready; 40], vec![odd; 40]].concat();
    conditions.push(json!({ "type": "Approved", "status": "True" }));
    let value = object(&json!({ "conditions": conditions }));
    let read: StoredRequest = serde_json::from_value(value).unwrap();
    assert!(read.is_approved());
    assert_eq!(read.conditions().len(), 2);
}

#[test]
fn decodes_base64_as_go_does() {
    // Each row was checked with Go's base64.StdEncoding.
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
            Progress::Issued { .. } => "Issued",
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
    assert!(!request.is_approved());
    let Progress::Denied(condition) = request.progress() else {
        panic!("not denied")
    };
    assert_eq!(condition.message.as_ref().unwrap().whole(), Some("because"));
    assert_eq!(condition.reason.as_ref().unwrap().whole(), Some("policy"));
}

#[test]
fn what_a_stranger_piles_up_in_an_object_is_read_and_not_kept() {
    let long = "x".repeat(1 << 20);
    let many = |what: Value| Value::from(vec![what; 100_000]);
    for (path, odd) in [
        (
            "/metadata/managedFields",
            json!([{"time": "9999-12-31T23:59:59Z", "manager": 7}]),
        ),
        ("/metadata/managedFields", many(json!({}))),
        ("/metadata/creationTimestamp", json!("yesterday")),
        ("/metadata/deletionTimestamp", json!("9999-12-31T23:59:59Z")),
        (
            "/metadata/annotations",
            json!({"other": long, "spiffe.csi.cert-manager.io/identity": long}),
        ),
        (
            "/metadata/annotations",
            (0..60_000)
                .map(|at| (format!("a{at}"), json!("")))
                .chain(
                    [("a0", &*long), ("spiffe.csi.cert-manager.io/identity", "i")]
                        .map(|(key, value)| (key.to_owned(), json!(value))),
                )
                .collect::<serde_json::Map<_, _>>()
                .into(),
        ),
        ("/metadata/labels", json!({"a": long})),
        (
            "/metadata/ownerReferences",
            many(json!({"kind": "Pod", "name": "a"})),
        ),
        ("/metadata/finalizers", many(json!("a"))),
        ("/spec/duration", json!(long)),
        ("/spec/usages", many(json!("any"))),
        ("/spec/groups", many(json!("a"))),
        ("/spec/username", json!(long)),
        ("/spec/request", json!(long)),
        ("/spec/issuerRef/name", json!(long)),
        (
            "/spec/extra",
            json!({"a": many(json!("b")), "authentication.kubernetes.io/pod-uid": many(json!("c"))}),
        ),
        (
            "/status/conditions",
            many(json!({"type": "Other", "status": "True", "message": "m"})),
        ),
        ("/status/certificate", json!(long)),
        ("/status/failureTime", json!("yesterday")),
        ("/unknown", json!({"deep": [[[[{}]]]]})),
    ] {
        let mut value = object(&json!({}));
        let (parent, field) = path.rsplit_once('/').unwrap();
        value.pointer_mut(parent).unwrap()[field] = odd;
        let read: StoredRequest = serde_json::from_slice(value.to_string().as_bytes())
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        let kept = format!("{read:?}").len();
        assert!(kept < 600 * 1024, "{path}: {kept}");
        assert_eq!(
            (
                read.metadata.namespace.as_str(),
                read.metadata.name.as_str()
            ),
            ("b", "a")
        );
    }
}

#[test]
fn what_was_cut_is_not_taken_for_what_it_begins_with() {
    let mut value = object(&json!({}));
    let padded = format!("1h{}", "0".repeat(1 << 12));
    value["spec"]["duration"] = json!(padded);
    value["spec"]["request"] = json!("QQ==".repeat(1 << 18));
    value["metadata"]["annotations"] =
        json!({"spiffe.csi.cert-manager.io/identity": format!("spiffe://a/{}", "b".repeat(5000))});
    let read: StoredRequest = serde_json::from_value(value).unwrap();
    assert_eq!(read.spec.duration.unwrap().whole(), None);
    assert_eq!(
        read.spec.request.unwrap().decode(),
        Err(EncodedBytesError::TooLong)
    );
    assert_eq!(read.metadata.annotations.identity.unwrap().whole(), None);
}

#[test]
fn a_claim_without_a_value_is_there_and_an_absent_one_is_not() {
    let mut value = object(&json!({}));
    value["spec"]["extra"] = json!({
        "authentication.kubernetes.io/pod-name": [],
        "authentication.kubernetes.io/node-name": null,
        "authentication.kubernetes.io/pod-uid": ["a", "b", "c"],
    });
    let extra = serde_json::from_value::<StoredRequest>(value)
        .unwrap()
        .spec
        .extra;
    assert!(extra.pod_name.unwrap().kept.is_empty());
    assert!(extra.node_name.unwrap().kept.is_empty());
    let uids = extra.pod_uid.unwrap();
    assert_eq!((uids.kept.len(), uids.is_cut), (2, true));
    assert!(extra.node_uid.is_none());
}
