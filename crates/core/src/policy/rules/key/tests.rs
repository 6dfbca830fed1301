use super::*;
use crate::policy::corpus::{Craft, Signer};

#[test]
fn allows_each_kind_and_writes_it_anew_byte_for_byte() {
    for (what, signer) in [
        ("P-256", Signer::p256()),
        ("P-384", Signer::p384()),
        ("P-521", Signer::p521()),
        ("RSA 2048", Signer::rsa2048()),
        ("RSA 4096", Signer::rsa4096()),
        ("Ed25519", Signer::ed25519()),
    ] {
        let der = Craft::with(signer).der();
        let csr = Csr::parse(&der).unwrap();
        let key = Key::read(&csr).unwrap_or_else(|violation| panic!("{what}: {violation:?}"));
        assert_eq!(key.to_der(), signer.spki(), "{what}");
    }
}

#[test]
fn rsa_numbers_are_measured_in_bits() {
    for (bytes, bits) in [
        (&[1][..], Some(1)),
        (&[0, 0xff], Some(8)),
        (&[1, 0, 1], Some(17)),
        (&[0x7f, 0xff, 0xff, 0xff], Some(31)),
        (&[0], None),
        (&[], None),
        (&[0x80], None),
    ] {
        assert_eq!(
            RsaNumber::read(bytes).map(RsaNumber::bits),
            bits,
            "{bytes:?}"
        );
    }
}

#[test]
fn a_modulus_one_bit_short_is_refused() {
    let modulus = |bits: usize| {
        let mut bytes = vec![0xff; bits.div_ceil(8)];
        bytes[0] >>= (8 - bits % 8) % 8;
        bytes
    };
    for (bits, allowed) in [
        (1024, false),
        (2047, false),
        (2048, true),
        (2049, true),
        (4096, true),
        (4097, false),
    ] {
        let key = der::sequence(&[&der::unsigned(&modulus(bits)), &der::unsigned(&[1, 0, 1])]);
        assert_eq!(Key::read_rsa(&key).is_ok(), allowed, "{bits}");
    }
}
