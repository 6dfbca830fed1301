//! Keys to sign with, right ones only: a weak key is written as bytes, since nothing here makes
//! one.

use std::sync::OnceLock;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
    RsaEncoding, RsaKeyPair,
};
use svid_core::der;

use super::pieces::oid;

/// A key to sign with. One of each kind is made for all tests, since RSA takes its time.
pub enum Signer {
    /// A key and the name of its signatures.
    Ecdsa(EcdsaKeyPair, &'static str),
    /// RSA, signing by PKCS#1 v1.5.
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    pub fn p256() -> &'static Self {
        static KEY: OnceLock<Signer> = OnceLock::new();
        KEY.get_or_init(|| {
            let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
            Self::Ecdsa(key, "1.2.840.10045.4.3.2")
        })
    }

    pub fn p384() -> &'static Self {
        static KEY: OnceLock<Signer> = OnceLock::new();
        KEY.get_or_init(|| {
            let key = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).unwrap();
            Self::Ecdsa(key, "1.2.840.10045.4.3.3")
        })
    }

    pub fn p521() -> &'static Self {
        static KEY: OnceLock<Signer> = OnceLock::new();
        KEY.get_or_init(|| {
            let key = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_ASN1_SIGNING).unwrap();
            Self::Ecdsa(key, "1.2.840.10045.4.3.4")
        })
    }

    pub fn ed25519() -> &'static Self {
        static KEY: OnceLock<Signer> = OnceLock::new();
        KEY.get_or_init(|| Self::Ed25519(Ed25519KeyPair::generate().unwrap()))
    }

    /// The same key each time, whose signatures are the same each time.
    pub fn fixed_ed25519() -> &'static Self {
        static KEY: OnceLock<Signer> = OnceLock::new();
        KEY.get_or_init(|| Self::Ed25519(Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()))
    }

    pub fn rsa2048() -> &'static Self {
        static KEY: OnceLock<Signer> = OnceLock::new();
        KEY.get_or_init(|| Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    pub fn rsa3072() -> &'static Self {
        static KEY: OnceLock<Signer> = OnceLock::new();
        KEY.get_or_init(|| Self::Rsa(RsaKeyPair::generate(KeySize::Rsa3072).unwrap()))
    }

    pub fn rsa4096() -> &'static Self {
        static KEY: OnceLock<Signer> = OnceLock::new();
        KEY.get_or_init(|| Self::Rsa(RsaKeyPair::generate(KeySize::Rsa4096).unwrap()))
    }

    pub fn spki(&self) -> Vec<u8> {
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
    pub fn algorithm(&self) -> Vec<u8> {
        match self {
            Self::Ecdsa(_, name) => der::sequence(&[&oid(name)]),
            Self::Rsa(_) => der::sequence(&[&oid("1.2.840.113549.1.1.11"), &[0x05, 0x00]]),
            Self::Ed25519(_) => der::sequence(&[&oid("1.3.101.112")]),
        }
    }

    /// A signature over the bytes, by the algorithm that the key names.
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
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

    /// RSA with SHA-384 or SHA-512 in place of SHA-256; None for other keys.
    #[must_use]
    pub fn sign_by_rsa(&self, hash_bits: usize, bytes: &[u8]) -> Option<Vec<u8>> {
        let encoding: &'static dyn RsaEncoding = match hash_bits {
            384 => &RSA_PKCS1_SHA384,
            _ => &RSA_PKCS1_SHA512,
        };
        match self {
            Self::Rsa(key) => Some(Self::sign_rsa(key, encoding, bytes)),
            Self::Ecdsa(..) | Self::Ed25519(_) => None,
        }
    }

    fn sign_rsa(key: &RsaKeyPair, encoding: &'static dyn RsaEncoding, bytes: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(encoding, &SystemRandom::new(), bytes, &mut signature)
            .unwrap();
        signature
    }
}
