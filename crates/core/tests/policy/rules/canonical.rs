//! Bytes that another writer of DER would not have written.

use svid_core::policy::Rule;
use svid_corpus::craft::{Craft, Signer, extension};

use crate::allows;

#[test]
fn allows_what_it_would_have_written() {
    for signer in [Signer::p256(), Signer::rsa2048(), Signer::ed25519()] {
        assert!(allows(Rule::Canonical, &Craft::with(signer)));
    }
    let unsorted = [
        extension("2.5.29.15", false, &[3, 2, 5, 0xa0]),
        Craft::right_san(),
    ];
    let craft = Craft::new().extensions(&unsorted);
    assert!(allows(Rule::Canonical, &craft), "order is as given");
}
