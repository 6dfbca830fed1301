//! The corpora as objects: read from the wire, each gets the answer that it gets as a value.

use svid_core::policy::{Decision, evaluate};
use svid_corpus::export::exports;
use svid_corpus::{Expect, World};

use super::*;

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
        let object = serde_json::from_value(export.stored()).unwrap();
        let classified = Classified::read(object, OrdinaryRequests::LeaveAlone);
        let Classified::Undecided(candidate) = classified else {
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
