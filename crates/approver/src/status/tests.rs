use jiff::Timestamp;
use serde_json::json;

use super::*;

fn condition(type_: &str) -> CertificateRequestCondition {
    CertificateRequestCondition {
        type_: type_.to_owned(),
        ..Default::default()
    }
}

#[test]
fn the_patch_is_bound_to_its_version_and_adds_one_condition_to_what_is_there() {
    for (status, path, value) in [
        (
            json!(null),
            "/status",
            json!({"conditions": [condition("Approved")]}),
        ),
        (
            json!({}),
            "/status/conditions",
            json!([condition("Approved")]),
        ),
        (
            json!({"conditions": null}),
            "/status/conditions",
            json!([condition("Approved")]),
        ),
        (
            json!({"conditions": []}),
            "/status/conditions/-",
            json!(condition("Approved")),
        ),
        (
            json!({"conditions": [{"type": "Other", "status": "True"}]}),
            "/status/conditions/-",
            json!(condition("Approved")),
        ),
    ] {
        let object: StoredRequest = serde_json::from_value(json!({"status": status})).unwrap();
        let patch = body("42", Conditions::of(&object), &condition("Approved"));
        assert_eq!(
            patch,
            json!([
                {"op": "replace", "path": "/metadata/resourceVersion", "value": "42"},
                {"op": "add", "path": path, "value": value},
            ])
        );
    }
}

#[test]
fn each_outcome_has_its_condition() {
    for (outcome, type_) in [
        (DecisionOutcome::Approved, "Approved"),
        (DecisionOutcome::OrdinaryApproved, "Approved"),
        (DecisionOutcome::Denied, "Denied"),
        (DecisionOutcome::OrdinaryDenied, "Denied"),
    ] {
        let update = StatusUpdate {
            outcome,
            message: "why".to_owned(),
        };
        let now: Timestamp = "2026-11-23T10:00:00.4Z".parse().unwrap();
        assert_eq!(
            serde_json::to_value(update.condition(now)).unwrap(),
            json!({
                "type": type_,
                "status": "True",
                "reason": "spiffe.csi.cert-manager.io",
                "message": "why",
                "lastTransitionTime": "2026-11-23T10:00:00Z",
            })
        );
    }
}
