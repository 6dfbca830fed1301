//! The requester holds the key, and signed with an algorithm that fits it.
//!
//! Stops: a certificate on somebody else's public key: replaying another pod's signing request
//! with names of one's own, or claiming a key without having it.
//! Allowed: ECDSA with SHA-256, -384 or -512; RSA PKCS#1 v1.5 with the same; Ed25519.
//! Refused: SHA-1, MD5, PSS, an algorithm for another kind of key, a signature over anything but
//! these bytes.
//! Source: RFC 2986 section 3 (proof of possession); RFC 5758, RFC 8017, RFC 8410.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P256_SHA512_ASN1, ECDSA_P384_SHA256_ASN1,
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA512_ASN1, ECDSA_P521_SHA256_ASN1, ECDSA_P521_SHA384_ASN1,
    ECDSA_P521_SHA512_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};
use x509_parser::oid_registry::{
    OID_PKCS1_SHA256WITHRSA, OID_PKCS1_SHA384WITHRSA, OID_PKCS1_SHA512WITHRSA,
    OID_SIG_ECDSA_WITH_SHA256, OID_SIG_ECDSA_WITH_SHA384, OID_SIG_ECDSA_WITH_SHA512,
    OID_SIG_ED25519,
};

use super::key::{Curve, Key};
use super::{Rule, Verdict, broken};
use crate::policy::csr::Csr;

/// Verifies the signature over the request's own bytes with the key inside it.
///
/// Done here rather than by x509-parser, which knows neither P-521 nor SHA-512 with ECDSA and
/// accepts SHA-1.
pub(in crate::policy) fn check(csr: &Csr<'_>) -> Verdict {
    // A key that is not allowed is the key rule's business, and its signature proves nothing.
    let Ok(key) = Key::read(csr) else {
        return Ok(());
    };
    let Some(algorithm) = SignatureAlgorithm::read(csr) else {
        return broken(
            Rule::Signature,
            "the CSR must be signed with ECDSA or RSA PKCS#1 v1.5 and SHA-2, or with Ed25519",
        );
    };
    let Some(verification) = algorithm.fitting(&key) else {
        return broken(
            Rule::Signature,
            "the CSR's signature algorithm does not fit its key",
        );
    };
    let signature = csr.signature();
    let key = UnparsedPublicKey::new(verification, &csr.public_key().subject_public_key.data);
    match key.verify(csr.signed_bytes(), &signature.data) {
        Ok(()) => Ok(()),
        Err(_unspecified) => broken(
            Rule::Signature,
            "the CSR's signature was not made with the CSR's own key",
        ),
    }
}

/// The allowed ways to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum SignatureAlgorithm {
    /// ecdsa-with-SHA*.
    Ecdsa(Hash),
    /// sha*WithRSAEncryption.
    Rsa(Hash),
    /// Ed25519.
    Ed25519,
}

/// The allowed hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl SignatureAlgorithm {
    /// Reads the algorithm by its name; its parameters are checked when it is written anew.
    pub(in crate::policy) fn read(csr: &Csr<'_>) -> Option<Self> {
        let oid = &csr.signature_algorithm().algorithm;
        let known = [
            (OID_SIG_ECDSA_WITH_SHA256, Self::Ecdsa(Hash::Sha256)),
            (OID_SIG_ECDSA_WITH_SHA384, Self::Ecdsa(Hash::Sha384)),
            (OID_SIG_ECDSA_WITH_SHA512, Self::Ecdsa(Hash::Sha512)),
            (OID_PKCS1_SHA256WITHRSA, Self::Rsa(Hash::Sha256)),
            (OID_PKCS1_SHA384WITHRSA, Self::Rsa(Hash::Sha384)),
            (OID_PKCS1_SHA512WITHRSA, Self::Rsa(Hash::Sha512)),
            (OID_SIG_ED25519, Self::Ed25519),
        ];
        known
            .into_iter()
            .find(|(name, _)| name == oid)
            .map(|(_, algorithm)| algorithm)
    }

    /// Writes the AlgorithmIdentifier anew.
    pub(in crate::policy) fn der(self) -> &'static [u8] {
        match self {
            Self::Ecdsa(Hash::Sha256) => ECDSA_SHA256,
            Self::Ecdsa(Hash::Sha384) => ECDSA_SHA384,
            Self::Ecdsa(Hash::Sha512) => ECDSA_SHA512,
            Self::Rsa(Hash::Sha256) => RSA_SHA256,
            Self::Rsa(Hash::Sha384) => RSA_SHA384,
            Self::Rsa(Hash::Sha512) => RSA_SHA512,
            Self::Ed25519 => ED25519_ALGORITHM,
        }
    }

    fn fitting(self, key: &Key<'_>) -> Option<&'static dyn VerificationAlgorithm> {
        Some(match (key, self) {
            (Key::Ecdsa(Curve::P256, _), Self::Ecdsa(Hash::Sha256)) => &ECDSA_P256_SHA256_ASN1,
            (Key::Ecdsa(Curve::P256, _), Self::Ecdsa(Hash::Sha384)) => &ECDSA_P256_SHA384_ASN1,
            (Key::Ecdsa(Curve::P256, _), Self::Ecdsa(Hash::Sha512)) => &ECDSA_P256_SHA512_ASN1,
            (Key::Ecdsa(Curve::P384, _), Self::Ecdsa(Hash::Sha256)) => &ECDSA_P384_SHA256_ASN1,
            (Key::Ecdsa(Curve::P384, _), Self::Ecdsa(Hash::Sha384)) => &ECDSA_P384_SHA384_ASN1,
            (Key::Ecdsa(Curve::P384, _), Self::Ecdsa(Hash::Sha512)) => &ECDSA_P384_SHA512_ASN1,
            (Key::Ecdsa(Curve::P521, _), Self::Ecdsa(Hash::Sha256)) => &ECDSA_P521_SHA256_ASN1,
            (Key::Ecdsa(Curve::P521, _), Self::Ecdsa(Hash::Sha384)) => &ECDSA_P521_SHA384_ASN1,
            (Key::Ecdsa(Curve::P521, _), Self::Ecdsa(Hash::Sha512)) => &ECDSA_P521_SHA512_ASN1,
            (Key::Rsa(..), Self::Rsa(Hash::Sha256)) => &RSA_PKCS1_2048_8192_SHA256,
            (Key::Rsa(..), Self::Rsa(Hash::Sha384)) => &RSA_PKCS1_2048_8192_SHA384,
            (Key::Rsa(..), Self::Rsa(Hash::Sha512)) => &RSA_PKCS1_2048_8192_SHA512,
            (Key::Ed25519(_), Self::Ed25519) => &ED25519,
            (Key::Ecdsa(..), Self::Rsa(_) | Self::Ed25519)
            | (Key::Rsa(..), Self::Ecdsa(_) | Self::Ed25519)
            | (Key::Ed25519(_), Self::Ecdsa(_) | Self::Rsa(_)) => return None,
        })
    }
}

/// `SEQUENCE { ecdsa-with-SHA256 }`, and so on: RFC 5758 3.2 wants the parameters absent.
const ECDSA_SHA256: &[u8] = &[
    0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02,
];
const ECDSA_SHA384: &[u8] = &[
    0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03,
];
const ECDSA_SHA512: &[u8] = &[
    0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04,
];
/// `SEQUENCE { sha256WithRSAEncryption, NULL }`, and so on: RFC 8017 A.2 wants the NULL.
const RSA_SHA256: &[u8] = &[
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00,
];
const RSA_SHA384: &[u8] = &[
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c, 0x05, 0x00,
];
const RSA_SHA512: &[u8] = &[
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d, 0x05, 0x00,
];
/// `SEQUENCE { id-Ed25519 }`: RFC 8410 section 3 wants the parameters absent.
const ED25519_ALGORITHM: &[u8] = &[0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];
