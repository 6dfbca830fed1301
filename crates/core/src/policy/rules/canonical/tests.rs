use super::*;
use crate::policy::corpus::{Craft, RIGHT_ID, Signer, extension};

fn verdict(der: &[u8]) -> Verdict {
    check(
        &Csr::parse(der).unwrap(),
        &SpiffeId::parse(RIGHT_ID).unwrap(),
    )
}

#[test]
fn allows_what_it_would_have_written() {
    for signer in [Signer::p256(), Signer::rsa2048(), Signer::ed25519()] {
        assert_eq!(verdict(&Craft::with(signer).der()), Ok(()));
    }
    let unsorted = [
        extension("2.5.29.15", false, &[3, 2, 5, 0xa0]),
        Craft::right_san(),
    ];
    assert_eq!(
        verdict(&Craft::new().extensions(&unsorted).der()),
        Ok(()),
        "order is as given"
    );
}

#[test]
fn refuses_another_name_even_where_no_other_rule_is_asked() {
    let der = Craft::new().der();
    let other = SpiffeId::parse("spiffe://cluster.local/ns/payments/sa/other").unwrap();
    assert!(check(&Csr::parse(&der).unwrap(), &other).is_err());
}

#[test]
fn refuses_a_signature_with_unused_bits() {
    let craft = Craft::new();
    let mut signature = der::bit_string(&Signer::p256().sign(&craft.info()));
    signature[2] = 1;
    let der = der::sequence(&[&craft.info(), &Signer::p256().algorithm(), &signature]);
    assert!(Csr::parse(&der).is_err() || verdict(&der).is_err());
}
