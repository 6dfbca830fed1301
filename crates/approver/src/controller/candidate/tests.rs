use serde_json::{Value, json};

use super::*;
use crate::controller::kept::Kept;

fn object(change: Value) -> StoredRequest {
    let mut object = json!({
        "apiVersion": "cert-manager.io/v1",
        "kind": "CertificateRequest",
        "metadata": {
            "name": "x",
            "namespace": "payments",
            "uid": "u",
            "resourceVersion": "7",
            "generation": 1,
            "annotations": { "spiffe.csi.cert-manager.io/identity": "spiffe://cluster.local/x" },
            "ownerReferences": [
                { "apiVersion": "v1", "kind": "Pod", "name": "api-7", "uid": "p" },
            ],
        },
        "spec": {
            "request": "eA==",
            "issuerRef": { "name": "spiffe-ca" },
            "duration": "1h",
            "username": "system:serviceaccount:payments:api",
            "extra": { "authentication.kubernetes.io/node-name": ["node-1"] },
        },
    });
    if let (Value::Object(object), Value::Object(change)) = (&mut object, change) {
        for (key, value) in change {
            if let (Some(Value::Object(old)), Value::Object(new)) = (object.get_mut(&key), &value) {
                old.extend(new.clone());
            } else {
                object.insert(key, value);
            }
        }
    }
    serde_json::from_value(object).unwrap()
}

fn identity(change: Value) -> Request {
    match Classified::read(object(change), OrdinaryRequests::LeaveAlone) {
        Classified::Undecided(candidate) => match candidate.requested {
            Requested::Identity(request) => *request,
            Requested::Ordinary(_) => panic!("ordinary"),
        },
        classified @ (Classified::Decided(_) | Classified::Settled(_)) => panic!("{classified:?}"),
    }
}

#[test]
fn a_request_is_told_in_the_policys_words() {
    let request = identity(json!({}));
    assert_eq!(request.namespace, "payments");
    assert_eq!(request.identity_annotation, "spiffe://cluster.local/x");
    assert_eq!(request.annotations, Annotations::default());
    assert_eq!(request.generation, Some(1));
    assert_eq!(request.csr_pem, b"x");
    assert_eq!(
        request.duration,
        DurationField::Nanoseconds(3_600_000_000_000)
    );
    assert_eq!(
        request.issuer,
        IssuerReference::new("spiffe-ca", "Issuer", "cert-manager.io")
    );
    assert_eq!(request.usages, None);
    assert!(!request.is_ca);
    assert_eq!(
        request.requester.username,
        "system:serviceaccount:payments:api"
    );
    assert_eq!(
        request.requester.extra["authentication.kubernetes.io/node-name"],
        ["node-1"]
    );
    let owner = Owner {
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        name: "api-7".to_owned(),
        uid: "p".to_owned(),
    };
    assert_eq!(request.owners, [owner]);
}

#[test]
fn what_cannot_be_read_in_a_field_reaches_the_policy_as_such() {
    let request = identity(json!({
        "metadata": { "generation": null },
        "spec": { "duration": "99999999999999999999h", "request": "%%%" },
    }));
    assert_eq!(request.generation, None);
    assert_eq!(
        request.duration,
        DurationField::Malformed("99999999999999999999h".to_owned())
    );
    assert_eq!(request.csr_pem, b"%%%");
    assert_eq!(
        identity(json!({ "spec": { "duration": null } })).duration,
        DurationField::Absent
    );
}

#[test]
fn other_annotations_reach_the_policy_and_a_value_that_was_cut_reaches_it_as_unknown() {
    let many = |count: usize| -> Value {
        let mut all: serde_json::Map<_, _> = (0..count)
            .map(|at| (format!("a{at}"), json!("b")))
            .collect();
        all.insert("long".to_owned(), json!("x".repeat(5000)));
        all.insert("spiffe.csi.cert-manager.io/identity".to_owned(), json!("i"));
        json!({ "metadata": { "annotations": all } })
    };
    let Annotations { read, is_cut } = identity(many(1)).annotations;
    assert_eq!(
        read.into_iter().collect::<Vec<_>>(),
        [
            ("a0".to_owned(), Some("b".to_owned())),
            ("long".to_owned(), None)
        ]
    );
    assert!(!is_cut);
    assert!(identity(many(100)).annotations.is_cut);
}

#[test]
fn decided_final_and_disappearing_requests_are_settled() {
    let condition = |type_: &str, status: &str, reason: &str| {
        json!({ "status": { "conditions": [
            { "type": type_, "status": status, "reason": reason }
        ] } })
    };
    for (what, change) in [
        ("approved", condition("Approved", "True", "cert-manager.io")),
        ("denied", condition("Denied", "True", "x")),
        ("approved, oddly", condition("Approved", "False", "x")),
        ("denied, oddly", condition("Denied", "Unknown", "x")),
        ("malformed", condition("InvalidRequest", "True", "x")),
        ("failed", condition("Ready", "False", "Failed")),
        (
            "denied by the issuer",
            condition("Ready", "False", "Denied"),
        ),
        (
            "being deleted",
            json!({ "metadata": { "deletionTimestamp": "2026-11-23T10:00:00Z" } }),
        ),
        (
            "not annotated",
            json!({ "metadata": { "annotations": {} } }),
        ),
    ] {
        let classified = Classified::read(object(change), OrdinaryRequests::LeaveAlone);
        assert!(!matches!(classified, Classified::Undecided(_)), "{what}");
    }
    for (what, change) in [
        ("pending", condition("Ready", "False", "Pending")),
        ("unknown condition", condition("Other", "True", "x")),
        (
            "empty annotation",
            json!({ "metadata": {
            "annotations": { "spiffe.csi.cert-manager.io/identity": "" } } }),
        ),
    ] {
        let classified = Classified::read(object(change), OrdinaryRequests::LeaveAlone);
        assert!(matches!(classified, Classified::Undecided(_)), "{what}");
    }
}

#[test]
fn ordinary_requests_are_looked_at_only_where_asked_for() {
    let ordinary = || object(json!({ "metadata": { "annotations": { "other": "x" } } }));
    let classified = Classified::read(ordinary(), OrdinaryRequests::Approve);
    let Classified::Undecided(candidate) = classified else {
        panic!("{classified:?}")
    };
    assert!(matches!(candidate.requested, Requested::Ordinary(_)));
}

#[test]
fn what_was_decided_is_still_read_into_the_policys_words() {
    for (annotations, expected) in [
        (json!({ "spiffe.csi.cert-manager.io/identity": "x" }), "x"),
        // The issuer does not look for it.
        (json!(null), ""),
    ] {
        let condition = json!({ "type": "Denied", "status": "False", "reason": "y" });
        let decided = object(json!({
            "metadata": { "annotations": annotations },
            "status": { "conditions": [condition] },
        }));
        let classified = Classified::read(decided, OrdinaryRequests::LeaveAlone);
        let Classified::Decided(decided) = classified else {
            panic!("{classified:?}")
        };
        assert_eq!(
            (decided.decision, decided.reason()),
            (Elsewhere::Denied, "y")
        );
        assert_eq!(decided.issuer().name, "spiffe-ca");
        let request = decided.into_request();
        assert_eq!(request.identity_annotation, expected);
        assert_eq!((request.generation, request.owners.len()), (Some(1), 1));
        assert_eq!(request.csr_pem, b"x");
    }
}

#[test]
fn of_a_request_with_much_text_anywhere_only_a_reference_is_kept() {
    let is_whole = |change: Value| {
        let classified = Classified::read(object(change), OrdinaryRequests::LeaveAlone);
        let Classified::Undecided(candidate) = classified else {
            panic!("{classified:?}")
        };
        matches!(Kept::from(*candidate), Kept::Whole(_))
    };
    assert!(is_whole(json!({})));
    // An RSA 4096 key and the longest names that are right.
    let long = "n".repeat(253);
    let usual = json!({
        "metadata": {
            "ownerReferences": [{ "apiVersion": "v1", "kind": "Pod", "name": long, "uid": "p" }],
        },
        "spec": {
            "request": "eHh4".repeat(1700 / 3),
            "username": format!("system:serviceaccount:{}:{long}", "n".repeat(63)),
            "extra": { "authentication.kubernetes.io/node-name": [long] },
        },
    });
    assert!(is_whole(usual));
    let owner = json!({ "apiVersion": long, "kind": long, "name": long, "uid": long });
    for change in [
        json!({ "spec": { "request": "eHh4".repeat(4096) } }),
        json!({ "metadata": { "ownerReferences": vec![owner; 16] } }),
        json!({ "metadata": { "annotations": {
            "spiffe.csi.cert-manager.io/identity": "x",
            "a": "x".repeat(4096),
            "b": "x".repeat(4096),
        } } }),
        json!({
            "metadata": { "annotations": { "spiffe.csi.cert-manager.io/identity": "x".repeat(4096) } },
            "spec": { "usages": vec![&long; 16] },
        }),
    ] {
        assert!(!is_whole(change));
    }
}
