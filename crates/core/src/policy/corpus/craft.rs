//! Writes signing requests byte by byte, right by default, and signs whatever came out.

use std::sync::OnceLock;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaKeyPair,
};

use super::RIGHT_ID;
use crate::policy::der::{self, tlv};

/// A signing request in the making.
#[derive(Clone)]
pub(in crate::policy) struct Craft {
    signer: &'static Signer,
    version: Vec<u8>,
    subject: Vec<u8>,
    spki: Vec<u8>,
    attributes: Vec<Vec<u8>>,
    algorithm: Vec<u8>,
}

impl Craft {
    /// A right request for [`RIGHT_ID`] on an ECDSA P-256 key.
    pub(in crate::policy) fn new() -> Self {
        Self::with(Signer::p256())
    }

    /// A right request for [`RIGHT_ID`] on another key.
    pub(in crate::policy) fn with(signer: &'static Signer) -> Self {
        Self {
            signer,
            version: vec![0x02, 0x01, 0x00],
            subject: name(&[]),
            spki: signer.spki(),
            attributes: vec![extension_request(&[Self::right_san()])],
            algorithm: signer.algorithm(),
        }
    }

    /// The extension that a right request holds, critical.
    pub(in crate::policy) fn right_san() -> Vec<u8> {
        san(true, &[general_name(der::URI, RIGHT_ID.as_bytes())])
    }

    pub(in crate::policy) fn version(mut self, version: &[u8]) -> Self {
        self.version = version.to_vec();
        self
    }

    pub(in crate::policy) fn subject(mut self, subject: Vec<u8>) -> Self {
        self.subject = subject;
        self
    }

    pub(in crate::policy) fn spki(mut self, spki: Vec<u8>) -> Self {
        self.spki = spki;
        self
    }

    pub(in crate::policy) fn attributes(mut self, attributes: Vec<Vec<u8>>) -> Self {
        self.attributes = attributes;
        self
    }

    pub(in crate::policy) fn extensions(self, extensions: &[Vec<u8>]) -> Self {
        self.attributes(vec![extension_request(extensions)])
    }

    /// Names this algorithm, whatever the signature is made with.
    pub(in crate::policy) fn algorithm(mut self, algorithm: &[u8]) -> Self {
        self.algorithm = algorithm.to_vec();
        self
    }

    /// The part that is to be signed.
    pub(in crate::policy) fn info(&self) -> Vec<u8> {
        let attributes = tlv(der::ATTRIBUTES, &self.attributes.concat());
        der::sequence(&[&self.version, &self.subject, &self.spki, &attributes])
    }

    /// Signs any bytes in place of the request's own.
    pub(in crate::policy) fn signed(&self, info: &[u8]) -> Vec<u8> {
        let signature = der::bit_string(&self.signer.sign(info));
        der::sequence(&[info, &self.algorithm, &signature])
    }

    pub(in crate::policy) fn der(&self) -> Vec<u8> {
        self.signed(&self.info())
    }

    pub(in crate::policy) fn pem(&self) -> Vec<u8> {
        to_pem(&self.der())
    }
}

/// Puts any bytes into one block.
pub(in crate::policy) fn to_pem(der: &[u8]) -> Vec<u8> {
    ::pem::encode(&::pem::Pem::new("CERTIFICATE REQUEST", der)).into_bytes()
}

/// A key to sign with. One of each kind is made for all tests, since RSA takes its time.
pub(in crate::policy) enum Signer {
    Ecdsa(EcdsaKeyPair, &'static str),
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    pub(in crate::policy) fn p256() -> &'static Self {
        static KEY: OnceLock<Signer> = OnceLock::new();
        KEY.get_or_init(|| {
            let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
            Self::Ecdsa(key, "1.2.840.10045.4.3.2")
        })
    }

    pub(in crate::policy) fn p384() -> &'static Self {
        static KEY: OnceLock<Signer> = OnceLock::new();
        KEY.get_or_init(|| {
            let key = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).unwrap();
            Self::Ecdsa(key, "1.2.840.10045.4.3.3")
        })
    }

    pub(in crate::policy) fn p521() -> &'static Self {
        static KEY: OnceLock<Signer> = OnceLock::new();
        KEY.get_or_init(|| {
            let key = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_ASN1_SIGNING).unwrap();
            Self::Ecdsa(key, "1.2.840.10045.4.3.4")
        })
    }

    pub(in crate::policy) fn ed25519() -> &'static Self {
        static KEY: OnceLock<Signer> = OnceLock::new();
        KEY.get_or_init(|| Self::Ed25519(Ed25519KeyPair::generate().unwrap()))
    }

    pub(in crate::policy) fn rsa2048() -> &'static Self {
        static KEY: OnceLock<Signer> = OnceLock::new();
        KEY.get_or_init(|| Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    pub(in crate::policy) fn rsa4096() -> &'static Self {
        static KEY: OnceLock<Signer> = OnceLock::new();
        KEY.get_or_init(|| Self::Rsa(RsaKeyPair::generate(KeySize::Rsa4096).unwrap()))
    }

    /// The SubjectPublicKeyInfo.
    pub(in crate::policy) fn spki(&self) -> Vec<u8> {
        match self {
            Self::Ecdsa(key, _) => key.public_key().as_der().unwrap().as_ref().to_vec(),
            Self::Rsa(key) => key.public_key().as_der().unwrap().as_ref().to_vec(),
            Self::Ed25519(key) => {
                let algorithm = der::sequence(&[&oid("1.3.101.112")]);
                der::sequence(&[&algorithm, &der::bit_string(key.public_key().as_ref())])
            }
        }
    }

    /// The AlgorithmIdentifier of its signatures.
    pub(in crate::policy) fn algorithm(&self) -> Vec<u8> {
        match self {
            Self::Ecdsa(_, name) => der::sequence(&[&oid(name)]),
            Self::Rsa(_) => der::sequence(&[&oid("1.2.840.113549.1.1.11"), &[0x05, 0x00]]),
            Self::Ed25519(_) => der::sequence(&[&oid("1.3.101.112")]),
        }
    }

    pub(in crate::policy) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Ecdsa(key, _) => key
                .sign(&SystemRandom::new(), bytes)
                .unwrap()
                .as_ref()
                .to_vec(),
            Self::Rsa(key) => Self::sign_rsa(key, &RSA_PKCS1_SHA256, bytes),
            Self::Ed25519(key) => key.sign(bytes).as_ref().to_vec(),
        }
    }

    /// RSA with SHA-512 in place of SHA-256; None for other keys.
    pub(in crate::policy) fn sign_sha512(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Rsa(key) => Some(Self::sign_rsa(key, &RSA_PKCS1_SHA512, bytes)),
            Self::Ecdsa(..) | Self::Ed25519(_) => None,
        }
    }

    fn sign_rsa(
        key: &RsaKeyPair,
        encoding: &'static dyn aws_lc_rs::signature::RsaEncoding,
        bytes: &[u8],
    ) -> Vec<u8> {
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(encoding, &SystemRandom::new(), bytes, &mut signature)
            .unwrap();
        signature
    }
}

/// An OBJECT IDENTIFIER from its dotted form.
pub(in crate::policy) fn oid(dotted: &str) -> Vec<u8> {
    let mut arcs = dotted.split('.').map(|arc| arc.parse::<u64>().unwrap());
    let first = arcs.next().unwrap() * 40 + arcs.next().unwrap();
    let mut content = Vec::new();
    for arc in std::iter::once(first).chain(arcs) {
        let septets = (0..10)
            .rev()
            .map(|at| arc >> (7 * at))
            .skip_while(|rest| *rest == 0);
        let septets: Vec<u8> = septets.map(|rest| (rest & 0x7f) as u8 | 0x80).collect();
        match septets.split_last() {
            Some((last, init)) => {
                content.extend_from_slice(init);
                content.push(last & 0x7f);
            }
            None => content.push(0),
        }
    }
    tlv(0x06, &content)
}

/// A `UTF8String`.
pub(in crate::policy) fn utf8(text: &str) -> Vec<u8> {
    tlv(0x0c, text.as_bytes())
}

/// A Name of RDNs.
pub(in crate::policy) fn name(rdns: &[Vec<u8>]) -> Vec<u8> {
    tlv(der::SEQUENCE, &rdns.concat())
}

/// An RDN of types and `UTF8String` values.
pub(in crate::policy) fn rdn(values: &[(&str, &str)]) -> Vec<u8> {
    let values: Vec<Vec<u8>> = values
        .iter()
        .map(|(kind, value)| der::sequence(&[&oid(kind), &utf8(value)]))
        .collect();
    tlv(der::SET, &values.concat())
}

/// An attribute of a signing request.
pub(in crate::policy) fn attribute(kind: &str, values: &[Vec<u8>]) -> Vec<u8> {
    der::sequence(&[&oid(kind), &tlv(der::SET, &values.concat())])
}

/// The attribute that holds the extensions.
pub(in crate::policy) fn extension_request(extensions: &[Vec<u8>]) -> Vec<u8> {
    attribute(
        "1.2.840.113549.1.9.14",
        &[tlv(der::SEQUENCE, &extensions.concat())],
    )
}

/// One extension.
pub(in crate::policy) fn extension(kind: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical {
        tlv(der::BOOLEAN, &[0xff])
    } else {
        Vec::new()
    };
    der::sequence(&[&oid(kind), &critical, &tlv(der::OCTET_STRING, value)])
}

/// The value of an extKeyUsage extension.
pub(in crate::policy) fn eku(purposes: &[&str]) -> Vec<u8> {
    let purposes: Vec<Vec<u8>> = purposes.iter().map(|purpose| oid(purpose)).collect();
    tlv(der::SEQUENCE, &purposes.concat())
}

/// One GeneralName by its tag.
pub(in crate::policy) fn general_name(tag: u8, content: &[u8]) -> Vec<u8> {
    tlv(tag, content)
}

/// A subjectAltName extension.
pub(in crate::policy) fn san(critical: bool, names: &[Vec<u8>]) -> Vec<u8> {
    extension("2.5.29.17", critical, &tlv(der::SEQUENCE, &names.concat()))
}
