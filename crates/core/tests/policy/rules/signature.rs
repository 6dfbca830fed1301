//! Signatures.

use svid_core::der;
use svid_core::policy::Rule;
use svid_corpus::craft::{Craft, Signer};

use crate::{allows, objection};

#[test]
fn allows_each_kind_of_key_with_its_own_signature() {
    for (what, signer) in [
        ("P-256", Signer::p256()),
        ("P-384", Signer::p384()),
        ("P-521", Signer::p521()),
        ("RSA 2048", Signer::rsa2048()),
        ("Ed25519", Signer::ed25519()),
    ] {
        assert!(allows(Rule::Signature, &Craft::with(signer)), "{what}");
    }
}

#[test]
fn allows_rsa_with_a_longer_hash() {
    for bits in [384, 512] {
        let der = Craft::with(Signer::rsa2048()).signed_by_rsa(bits);
        assert_eq!(objection(Rule::Signature, &der), None, "{bits}");
    }
}

#[test]
fn refuses_a_signature_by_another_key_or_over_other_bytes() {
    let craft = Craft::new();
    let replaced_key = Craft::with(Signer::p384())
        .spki(Signer::p256().spki())
        .der();
    let mut changed = craft.der();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    for (what, der) in [
        ("another key", replaced_key),
        ("a changed signature", changed),
        (
            "no signature",
            der::sequence(&[&craft.info(), &Signer::p256().algorithm(), &[3, 1, 0]]),
        ),
    ] {
        assert!(objection(Rule::Signature, &der).is_some(), "{what}");
    }
}

#[test]
fn refuses_an_algorithm_that_does_not_fit_the_key() {
    for other in [Signer::rsa2048(), Signer::ed25519()] {
        let der = Craft::new().algorithm(&other.algorithm()).der();
        assert_eq!(
            objection(Rule::Signature, &der).as_deref(),
            Some("the CSR's signature algorithm does not fit its key")
        );
    }
}
