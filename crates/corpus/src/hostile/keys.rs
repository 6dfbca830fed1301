//! Weak keys and false signatures.

use aws_lc_rs::signature::KeyPair as _;
use svid_core::der;
use svid_core::policy::Rule;

use crate::case::Cases;
use crate::craft::{Signer, name, oid, rdn};

impl Cases<'_> {
    pub(super) fn keys(&mut self) {
        let world = self.world;
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
            self.craft(format!("key: {what}"), Rule::Key, &world.craft().spki(spki));
        }
        let off_curve = curve("1.2.840.10045.3.1.7", &point(4, 64));
        self.craft(
            "key: point off the curve",
            Rule::Signature,
            &world.craft().spki(off_curve),
        );
    }

    /// Right keys in forms that only some readers know.
    pub(super) fn forms_of_keys(&mut self) {
        let world = self.world;
        let ec = || oid("1.2.840.10045.2.1");
        let Signer::Ecdsa(key, _) = Signer::p256() else {
            unreachable!("it is ECDSA")
        };
        let point = der::bit_string(key.public_key().as_ref());
        let with =
            |algorithm: &[&[u8]], bits: &[u8]| der::sequence(&[&der::sequence(algorithm), bits]);
        let number =
            |bytes: &[u8]| der::bit_string(&der::sequence(&[bytes, &der::unsigned(&[1, 0, 1])]));
        let rsa = || oid("1.2.840.113549.1.1.1");
        let negative = [&[2, 0x82, 1, 0, 0xc5][..], &[0xff; 255]].concat();
        let even = der::unsigned(&[&[0xc5; 255][..], &[0xfe]].concat());
        for (what, spki) in [
            ("P-256 without its curve", with(&[&ec()], &point)),
            (
                "P-256 with NULL for its curve",
                with(&[&ec(), &[5, 0]], &point),
            ),
            (
                "P-256 with explicit parameters",
                with(&[&ec(), &[0x30, 3, 2, 1, 1]], &point),
            ),
            (
                "P-384's name on a P-256 point",
                with(&[&ec(), &oid("1.3.132.0.34")], &point),
            ),
            (
                "ECDH on P-256",
                with(&[&oid("1.3.132.1.12"), &oid(P256)], &point),
            ),
            (
                "Ed25519 of 31 bytes",
                with(&[&oid("1.3.101.112")], &der::bit_string(&[1; 31])),
            ),
            (
                "Ed25519 of 33 bytes",
                with(&[&oid("1.3.101.112")], &der::bit_string(&[1; 33])),
            ),
            (
                "RSA with a negative modulus",
                with(&[&rsa(), &[5, 0]], &number(&negative)),
            ),
            (
                "RSA with an even modulus",
                with(&[&rsa(), &[5, 0]], &number(&even)),
            ),
            (
                "RSA that is no key",
                with(&[&rsa(), &[5, 0]], &der::bit_string(&[5, 0])),
            ),
            (
                "RSA for PSS only",
                with(&[&oid("1.2.840.113549.1.1.10")], &point),
            ),
            ("empty", with(&[&ec(), &oid(P256)], &[3, 1, 0])),
            ("unknown kind", with(&[&oid("1.2.3.4")], &point)),
        ] {
            let der = world.craft().spki(spki).der();
            self.csr(format!("key: {what}"), Rule::Key, &der);
        }
        let ed25519 = Signer::ed25519();
        let Signer::Ed25519(key) = ed25519 else {
            unreachable!("it is Ed25519")
        };
        let bits = der::bit_string(key.public_key().as_ref());
        let null = with(&[&oid("1.3.101.112"), &[5, 0]], &bits);
        let der = world.craft_with(ed25519).spki(null).der();
        self.csr("key: Ed25519 with parameters", Rule::Canonical, &der);
        let long = with(&[&ec(), &oid(P256), &[5, 0]], &point);
        let der = world.craft().spki(long).der();
        self.csr("key: bytes after its curve", Rule::Canonical, &der);
    }

    pub(super) fn signatures(&mut self) {
        let world = self.world;
        let rule = Rule::Signature;
        let foreign = world.craft().spki(Signer::p384().spki());
        self.craft(
            "signature: another's key",
            rule,
            &foreign.algorithm(&Signer::p256().algorithm()),
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
            self.craft(
                format!("signature: {what}"),
                rule,
                &world.craft().algorithm(&algorithm),
            );
        }
        for (what, name) in [
            ("RSA with MD5", "1.2.840.113549.1.1.4"),
            ("RSA with SHA-1", "1.2.840.113549.1.1.5"),
            ("RSA-PSS", "1.2.840.113549.1.1.10"),
        ] {
            let algorithm = der::sequence(&[&oid(name), &null]);
            let craft = world.craft_with(Signer::rsa2048()).algorithm(&algorithm);
            self.craft(format!("signature: {what}"), rule, &craft);
        }
        let absent = der::sequence(&[&oid("1.2.840.113549.1.1.11")]);
        let craft = world.craft_with(Signer::rsa2048()).algorithm(&absent);
        self.craft("signature: RSA without its NULL", Rule::Canonical, &craft);
        let with_null = der::sequence(&[&oid("1.3.101.112"), &null]);
        let craft = world.craft_with(Signer::ed25519()).algorithm(&with_null);
        self.craft("signature: Ed25519 with a NULL", Rule::Canonical, &craft);
        for (what, signer) in [("RSA", Signer::rsa2048()), ("Ed25519", Signer::ed25519())] {
            let craft = world
                .craft_with(signer)
                .algorithm(&Signer::p256().algorithm());
            self.craft(
                format!("signature: ECDSA's on a key of {what}"),
                rule,
                &craft,
            );
        }
        for (what, signer) in [
            ("P-256", Signer::p256()),
            ("P-384", Signer::p384()),
            ("Ed25519", Signer::ed25519()),
            ("RSA", Signer::rsa2048()),
        ] {
            let mut der = world.craft_with(signer).der();
            *der.last_mut().unwrap() ^= 1;
            self.csr(format!("signature: of {what}, a bit changed"), rule, &der);
        }
        let mut wide = Signer::p256().sign(&world.craft().info());
        wide.push(0);
        let signed = |signature: &[u8]| {
            let signature = der::bit_string(signature);
            der::sequence(&[
                &world.craft().info(),
                &Signer::p256().algorithm(),
                &signature,
            ])
        };
        self.csr("signature: a byte too long", rule, &signed(&wide));
        self.csr(
            "signature: zeroes",
            rule,
            &signed(&[0x30, 6, 2, 1, 0, 2, 1, 0]),
        );
        self.csr("signature: raw in place of DER", rule, &signed(&[7; 64]));
        let with_null = der::sequence(&[&oid("1.2.840.10045.4.3.2"), &null]);
        let craft = world.craft().algorithm(&with_null);
        self.craft(
            "signature: parameters that do not belong",
            Rule::Canonical,
            &craft,
        );
        let craft = world.craft();
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

const P256: &str = "1.2.840.10045.3.1.7";
