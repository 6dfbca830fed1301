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
fn the_patch_is_bound_to_its_version_and_keeps_what_is_there() {
    let patch = body("42", &[condition("Ready")], condition("Approved"));
    assert_eq!(patch["metadata"], json!({ "resourceVersion": "42" }));
    let types: Vec<_> = patch["status"]["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| &c["type"])
        .collect();
    assert_eq!(types, ["Ready", "Approved"]);
    assert_eq!(
        patch.as_object().unwrap().len(),
        2,
        "nothing but metadata and status"
    );
    assert_eq!(
        patch["status"].as_object().unwrap().len(),
        1,
        "the rest of the status is kept"
    );
}

#[test]
fn each_outcome_has_its_condition() {
    for (outcome, type_) in [
        (Outcome::Approved, "Approved"),
        (Outcome::OrdinaryApproved, "Approved"),
        (Outcome::Denied, "Denied"),
        (Outcome::OrdinaryDenied, "Denied"),
    ] {
        let verdict = Verdict {
            outcome,
            message: "why".to_owned(),
        };
        let now: Timestamp = "2026-11-23T10:00:00.4Z".parse().unwrap();
        assert_eq!(
            serde_json::to_value(verdict.condition(now)).unwrap(),
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
