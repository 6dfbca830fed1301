//! The corpora as objects: read from the wire, each gets the answer that it gets as a value.

use serde_json::json;
use svid_core::policy::{Decision, evaluate};
use svid_corpus::export::{Export, exports};
use svid_corpus::{Expect, World};

use super::*;

/// The object as the API server and cert-manager's webhook complete it.
fn stored(export: &Export) -> StoredRequest {
    let mut object = export.object.clone();
    object["metadata"]["generation"] = json!(1);
    object["metadata"]["uid"] = json!("u");
    object["metadata"]["resourceVersion"] = json!("7");
    object["spec"]["username"] = json!(export.requester.username);
    object["spec"]["uid"] = json!(export.requester.uid);
    object["spec"]["groups"] = json!(export.requester.groups);
    object["spec"]["extra"] = json!(export.requester.extra);
    serde_json::from_value(object).unwrap()
}

#[test]
fn every_case_that_can_be_created_is_answered_as_it_should_be() {
    let world = World::default();
    let mut count = 0;
    for export in exports(&world) {
        // Owned objects would be collected without their Pods, but are read like all others.
        let is_owned = export.object["metadata"]["ownerReferences"]
            .as_array()
            .is_some_and(|owners| !owners.is_empty());
        if export.obstacle.is_some() && !is_owned {
            continue;
        }
        count += 1;
        let sighting = Classified::read(stored(&export), OrdinaryRequests::LeaveAlone);
        let Classified::Undecided(candidate) = sighting else {
            assert_eq!(export.expect, Expect::LeaveAlone, "{}", export.name);
            continue;
        };
        let Requested::Identity(request) = candidate.requested else {
            panic!("{}: it has no annotation", export.name)
        };
        match evaluate(&world.policy(), &request) {
            Decision::Approve(approval) => {
                assert_eq!(approval.spiffe_id().as_str(), world.identity());
                assert_eq!(export.expect, Expect::Approve, "{}", export.name);
            }
            Decision::Deny(denial) => assert_eq!(denial.message(), export.message),
            Decision::Inquire(_) => panic!("{}: no Pod is to be read", export.name),
            Decision::LeaveAlone => {
                assert_eq!(export.expect, Expect::LeaveAlone, "{}", export.name);
            }
        }
    }
    assert!(count >= 500, "{count}");
}
