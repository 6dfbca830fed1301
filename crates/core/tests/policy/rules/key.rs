//! Keys. Weak and odd ones are in the hostile corpus.

use svid_core::policy::Rule;
use svid_corpus::craft::{Craft, Signer};

use crate::allows;

#[test]
fn allows_each_kind_and_writes_it_anew_byte_for_byte() {
    for (what, signer) in [
        ("P-256", Signer::p256()),
        ("P-384", Signer::p384()),
        ("P-521", Signer::p521()),
        ("RSA 2048", Signer::rsa2048()),
        ("RSA 3072", Signer::rsa3072()),
        ("RSA 4096", Signer::rsa4096()),
        ("Ed25519", Signer::ed25519()),
    ] {
        assert!(allows(Rule::Key, &Craft::with(signer)), "{what}");
        assert!(allows(Rule::Canonical, &Craft::with(signer)), "{what}");
    }
}
