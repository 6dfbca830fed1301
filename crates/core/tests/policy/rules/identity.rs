//! Names that are not the requester's.

use svid_core::policy::{Decision, Rule, evaluate};
use svid_corpus::craft::{Craft, general_name, san};
use svid_corpus::hostile::wrong_uris;
use svid_corpus::{VALID_ID, World};

use crate::inquiry::{node_attested, request};
use crate::{allows, broken, objection};

fn allows_uri(uri: &[u8]) -> bool {
    let craft = Craft::new().extensions(&[san(true, &[general_name(0x86, uri)])]);
    allows(Rule::Identity, &craft)
}

#[test]
fn allows_the_expected_bytes_only() {
    assert!(allows_uri(VALID_ID.as_bytes()));
    for (what, uri) in wrong_uris(&World::default()) {
        assert!(!allows_uri(&uri), "{what}");
    }
}

#[test]
fn a_request_without_a_single_uri_is_told_what_to_ask_for() {
    let der = Craft::new().extensions(&[]).der();
    let told = objection(Rule::Identity, &der).unwrap();
    assert!(told.contains(VALID_ID), "{told}");
}

/// Whether the driver may claim a name for a pod of a namespace, before the Pod is read.
fn is_claimed_in(namespace: &str, uri: &[u8]) -> bool {
    let craft = Craft::new().extensions(&[san(true, &[general_name(0x86, uri)])]);
    let mut request = request();
    request.csr_pem = craft.pem();
    request.namespace = namespace.to_owned();
    let decision = evaluate(&node_attested(), &request);
    assert!(!matches!(decision, Decision::Approve(_)), "{decision:?}");
    !broken(&decision).contains(&Rule::Identity)
}

#[test]
fn any_identity_of_the_requests_namespace_may_be_claimed_and_no_other_text() {
    for id in [VALID_ID, "spiffe://cluster.local/ns/payments/sa/other.one"] {
        assert!(is_claimed_in("payments", id.as_bytes()), "{id}");
    }
    for namespace in ["", "default", "payments2", "Payments", "a/b"] {
        assert!(
            !is_claimed_in(namespace, VALID_ID.as_bytes()),
            "{namespace:?}"
        );
    }
    // Some of the wrong ones are those of other accounts of the namespace.
    let mut claimed = Vec::new();
    for (what, uri) in wrong_uris(&World::default()) {
        if is_claimed_in("payments", &uri) {
            claimed.push(what);
        }
    }
    claimed.sort_unstable();
    assert_eq!(claimed, OTHER_ACCOUNTS);
    for uri in [
        "spiffe://cluster.local/ns/payments/sa/",
        "spiffe://cluster.local/ns/payments/sa/API",
        "spiffe://cluster.local/ns/payments/sa/api/",
        "spiffe://cluster.local/ns/payments/sa/x/api",
        "spiffe://cluster.local/ns/payments/sa/..",
        "spiffe://example.org/ns/payments/sa/api",
        "spiffe://Cluster.local/ns/payments/sa/api",
        "spiffe://cluster.local/ns/payments/api",
        "api",
    ] {
        assert!(!is_claimed_in("payments", uri.as_bytes()), "{uri}");
    }
}

const OTHER_ACCOUNTS: &[&str] = &[
    "another service account",
    "dotted prefix",
    "dotted suffix",
    "service account as prefix",
    "service account as suffix",
    "service account's prefix",
];
