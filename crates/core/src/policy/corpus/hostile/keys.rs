//! Weak keys and false signatures.

use super::super::{Craft, Signer, name, oid, rdn};
use super::Cases;
use crate::policy::decision::Rule;
use crate::policy::der;

impl Cases {
    pub(super) fn keys(&mut self) {
        let weak = |bits: usize, exponent: &[u8]| {
            let mut modulus = vec![0xff; bits / 8];
            modulus[0] = 0xc5;
            let key = der::sequence(&[&der::unsigned(&modulus), &der::unsigned(exponent)]);
            let algorithm = der::sequence(&[&oid("1.2.840.113549.1.1.1"), &[5, 0]]);
            der::sequence(&[&algorithm, &der::bit_string(&key)])
        };
        let curve = |name: &str, point: &[u8]| {
            let algorithm = der::sequence(&[&oid("1.2.840.10045.2.1"), &oid(name)]);
            der::sequence(&[&algorithm, &der::bit_string(point)])
        };
        let point = |form: u8, length: usize| [&[form][..], &vec![7; length]].concat();
        for (what, spki) in [
            ("RSA 512", weak(512, &[1, 0, 1])),
            ("RSA 1024", weak(1024, &[1, 0, 1])),
            ("RSA 2040", weak(2040, &[1, 0, 1])),
            ("RSA 4104", weak(4104, &[1, 0, 1])),
            ("RSA 8192", weak(8192, &[1, 0, 1])),
            ("RSA exponent 1", weak(2048, &[1])),
            ("RSA exponent 3", weak(2048, &[3])),
            ("RSA even exponent", weak(2048, &[1, 0, 0])),
            ("RSA huge exponent", weak(2048, &[0xff; 8])),
            ("P-224", curve("1.3.132.0.33", &point(4, 56))),
            ("secp256k1", curve("1.3.132.0.10", &point(4, 64))),
            ("brainpool", curve("1.3.36.3.3.2.8.1.1.7", &point(4, 64))),
            (
                "P-256 compressed",
                curve("1.2.840.10045.3.1.7", &point(2, 32)),
            ),
            ("P-256 hybrid", curve("1.2.840.10045.3.1.7", &point(6, 64))),
            (
                "P-256 too short",
                curve("1.2.840.10045.3.1.7", &point(4, 63)),
            ),
            ("P-256 infinity", curve("1.2.840.10045.3.1.7", &[0])),
            (
                "Ed448",
                der::sequence(&[
                    &der::sequence(&[&oid("1.3.101.113")]),
                    &der::bit_string(&[1; 57]),
                ]),
            ),
            (
                "X25519",
                der::sequence(&[
                    &der::sequence(&[&oid("1.3.101.110")]),
                    &der::bit_string(&[1; 32]),
                ]),
            ),
            (
                "DSA",
                der::sequence(&[
                    &der::sequence(&[&oid("1.2.840.10040.4.1")]),
                    &der::bit_string(&[2, 1, 5]),
                ]),
            ),
        ] {
            self.csr(
                format!("key: {what}"),
                Rule::Key,
                &Craft::new().spki(spki).der(),
            );
        }
        let off_curve = curve("1.2.840.10045.3.1.7", &point(4, 64));
        self.csr(
            "key: point off the curve",
            Rule::Signature,
            &Craft::new().spki(off_curve).der(),
        );
    }

    pub(super) fn signatures(&mut self) {
        let rule = Rule::Signature;
        let foreign = Craft::new().spki(Signer::p384().spki());
        self.csr(
            "signature: another's key",
            rule,
            &foreign.algorithm(&Signer::p256().algorithm()).der(),
        );
        let null = [0x05, 0x00];
        for (what, name, parameters) in [
            ("ECDSA with SHA-1", "1.2.840.10045.4.1", &[][..]),
            ("RSA's on an ECDSA key", "1.2.840.113549.1.1.11", &null),
            ("Ed25519's on an ECDSA key", "1.3.101.112", &[]),
            ("another hash than was used", "1.2.840.10045.4.3.4", &[]),
            ("unknown", "1.2.3.4", &[]),
        ] {
            let algorithm = der::sequence(&[&oid(name), parameters]);
            self.csr(
                format!("signature: {what}"),
                rule,
                &Craft::new().algorithm(&algorithm).der(),
            );
        }
        for (what, name) in [
            ("RSA with MD5", "1.2.840.113549.1.1.4"),
            ("RSA with SHA-1", "1.2.840.113549.1.1.5"),
            ("RSA-PSS", "1.2.840.113549.1.1.10"),
        ] {
            let algorithm = der::sequence(&[&oid(name), &null]);
            let craft = Craft::with(Signer::rsa2048()).algorithm(&algorithm);
            self.csr(format!("signature: {what}"), rule, &craft.der());
        }
        let with_null = der::sequence(&[&oid("1.2.840.10045.4.3.2"), &null]);
        let craft = Craft::new().algorithm(&with_null);
        self.csr(
            "signature: parameters that do not belong",
            Rule::Canonical,
            &craft.der(),
        );
        let craft = Craft::new();
        let other = craft
            .clone()
            .subject(name(&[rdn(&[("2.5.4.3", "x")])]))
            .info();
        let signature = der::bit_string(&Signer::p256().sign(&other));
        let der = der::sequence(&[&craft.info(), &Signer::p256().algorithm(), &signature]);
        self.csr("signature: over other bytes", rule, &der);
        let der = der::sequence(&[&craft.info(), &Signer::p256().algorithm(), &[3, 1, 0]]);
        self.csr("signature: empty", rule, &der);
    }
}
