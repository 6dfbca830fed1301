use super::*;
use crate::policy::corpus::{Craft, Signer, oid};
use crate::policy::der;

fn verdict(der: &[u8]) -> Verdict {
    check(&Csr::parse(der).unwrap())
}

#[test]
fn allows_each_kind_of_key_with_its_own_signature() {
    for (what, signer) in [
        ("P-256", Signer::p256()),
        ("P-384", Signer::p384()),
        ("P-521", Signer::p521()),
        ("RSA 2048", Signer::rsa2048()),
        ("Ed25519", Signer::ed25519()),
    ] {
        assert_eq!(verdict(&Craft::with(signer).der()), Ok(()), "{what}");
    }
}

#[test]
fn allows_rsa_with_a_longer_hash() {
    let signer = Signer::rsa2048();
    let info = Craft::with(signer).info();
    let algorithm = der::sequence(&[&oid("1.2.840.113549.1.1.13"), &[5, 0]]);
    let signature = der::bit_string(&signer.sign_sha512(&info).unwrap());
    assert_eq!(
        verdict(&der::sequence(&[&info, &algorithm, &signature])),
        Ok(())
    );
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
        assert!(verdict(&der).is_err(), "{what}");
    }
}

#[test]
fn refuses_an_algorithm_that_does_not_fit_the_key() {
    for other in [Signer::rsa2048(), Signer::ed25519()] {
        let der = Craft::new().algorithm(&other.algorithm()).der();
        assert_eq!(
            verdict(&der).unwrap_err().text(),
            "the CSR's signature algorithm does not fit its key"
        );
    }
}
