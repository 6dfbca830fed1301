//! Trust domains.

use svid_core::policy::Rule;
use svid_corpus::craft::{Craft, general_name, san};

use crate::allows;

#[test]
fn allows_our_domain_only() {
    for (uri, allowed) in [
        ("spiffe://cluster.local/ns/a/sa/b", true),
        ("spiffe://cluster.local", true),
        ("https://example.org/", true),
        ("spiffe:/cluster.local", true),
        ("SPIFFE://cluster.local/ns/a/sa/b", true),
        ("spiffe://example.org/ns/a/sa/b", false),
        ("spiffe://Cluster.local/ns/a/sa/b", false),
        ("spiffe://cluster.local:443/ns/a/sa/b", false),
        ("spiffe://x@cluster.local/ns/a/sa/b", false),
        ("spiffe://cluster.local./ns/a/sa/b", false),
        ("spiffe://cluster.localx/ns/a/sa/b", false),
        ("spiffe://cluster%2elocal/ns/a/sa/b", false),
        ("spiffe:///ns/a/sa/b", false),
        ("SPIFFE://example.org", false),
        ("spiffe://example.org?cluster.local", false),
    ] {
        let craft = Craft::new().extensions(&[san(true, &[general_name(0x86, uri.as_bytes())])]);
        assert_eq!(allows(Rule::TrustDomain, &craft), allowed, "{uri}");
    }
}

#[test]
fn looks_at_every_name() {
    let [right, wrong] = ["spiffe://cluster.local/a", "spiffe://example.org/a"]
        .map(|uri| general_name(0x86, uri.as_bytes()));
    for extensions in [
        vec![san(true, &[right.clone(), wrong.clone()])],
        vec![san(true, &[right]), san(true, &[wrong])],
    ] {
        let craft = Craft::new().extensions(&extensions);
        assert!(!allows(Rule::TrustDomain, &craft));
    }
}
