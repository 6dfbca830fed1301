//! Which signatures are believed, and the check itself.

use aws_lc_rs::signature as lc;
use x509_parser::der_parser::oid::Oid;
use x509_parser::oid_registry as oid;
use x509_parser::public_key::PublicKey as ParsedKey;
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

/// Checks a signature over `message` by the holder of `key`.
///
/// SHA-1 is not believed (RFC 9155 and everybody's practice), nor RSA below 2048 bits.
pub(super) fn verify(
    key: &SubjectPublicKeyInfo<'_>,
    algorithm: &AlgorithmIdentifier<'_>,
    signature: &[u8],
    message: &[u8],
) -> Result<(), SignatureError> {
    let verification = verification(key, algorithm).ok_or(SignatureError::Unsupported)?;
    lc::UnparsedPublicKey::new(verification, &key.subject_public_key.data)
        .verify(message, signature)
        .or(Err(SignatureError::Mismatch))
}

/// Why a signature is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignatureError {
    /// The algorithm is unknown, too weak, or does not go with the key.
    Unsupported,
    /// It was not made with this key over these bytes.
    Mismatch,
}

/// What kind of key this is, for people.
pub(super) fn key_kind(key: &SubjectPublicKeyInfo<'_>) -> String {
    if let Some(curve) = curve(key) {
        return curve.name().to_owned();
    }
    if key.algorithm.algorithm == oid::OID_SIG_ED25519 {
        return "Ed25519".to_owned();
    }
    match key.parsed() {
        Ok(ParsedKey::RSA(rsa)) => format!("RSA {}", rsa.key_size()),
        _ => "unknown".to_owned(),
    }
}

/// The one way in which key and algorithm go together.
fn verification(
    key: &SubjectPublicKeyInfo<'_>,
    algorithm: &AlgorithmIdentifier<'_>,
) -> Option<&'static dyn lc::VerificationAlgorithm> {
    let name = &algorithm.algorithm;
    if key.algorithm.algorithm == oid::OID_KEY_TYPE_EC_PUBLIC_KEY {
        return ecdsa(curve(key)?, name);
    }
    if key.algorithm.algorithm == oid::OID_SIG_ED25519 {
        return (*name == oid::OID_SIG_ED25519).then_some(&lc::ED25519 as _);
    }
    if key.algorithm.algorithm == oid::OID_PKCS1_RSAENCRYPTION {
        return rsa(algorithm);
    }
    None
}

fn ecdsa(curve: Curve, name: &Oid<'_>) -> Option<&'static dyn lc::VerificationAlgorithm> {
    let hash = [
        (oid::OID_SIG_ECDSA_WITH_SHA256, Hash::Sha256),
        (oid::OID_SIG_ECDSA_WITH_SHA384, Hash::Sha384),
        (oid::OID_SIG_ECDSA_WITH_SHA512, Hash::Sha512),
    ]
    .into_iter()
    .find_map(|(known, hash)| (known == *name).then_some(hash))?;
    Some(match (curve, hash) {
        (Curve::P256, Hash::Sha256) => &lc::ECDSA_P256_SHA256_ASN1,
        (Curve::P256, Hash::Sha384) => &lc::ECDSA_P256_SHA384_ASN1,
        (Curve::P256, Hash::Sha512) => &lc::ECDSA_P256_SHA512_ASN1,
        (Curve::P384, Hash::Sha256) => &lc::ECDSA_P384_SHA256_ASN1,
        (Curve::P384, Hash::Sha384) => &lc::ECDSA_P384_SHA384_ASN1,
        (Curve::P384, Hash::Sha512) => &lc::ECDSA_P384_SHA512_ASN1,
        (Curve::P521, Hash::Sha256) => &lc::ECDSA_P521_SHA256_ASN1,
        (Curve::P521, Hash::Sha384) => &lc::ECDSA_P521_SHA384_ASN1,
        (Curve::P521, Hash::Sha512) => &lc::ECDSA_P521_SHA512_ASN1,
    })
}

fn rsa(algorithm: &AlgorithmIdentifier<'_>) -> Option<&'static dyn lc::VerificationAlgorithm> {
    let name = &algorithm.algorithm;
    if *name == oid::OID_PKCS1_SHA256WITHRSA {
        return Some(&lc::RSA_PKCS1_2048_8192_SHA256);
    }
    if *name == oid::OID_PKCS1_SHA384WITHRSA {
        return Some(&lc::RSA_PKCS1_2048_8192_SHA384);
    }
    if *name == oid::OID_PKCS1_SHA512WITHRSA {
        return Some(&lc::RSA_PKCS1_2048_8192_SHA512);
    }
    if *name != oid::OID_PKCS1_RSASSAPSS {
        return None;
    }
    let parameters = RsaSsaPssParams::try_from(algorithm.parameters.as_ref()?).ok()?;
    let hash = parameters.hash_algorithm_oid();
    if *hash == oid::OID_NIST_HASH_SHA256 {
        Some(&lc::RSA_PSS_2048_8192_SHA256)
    } else if *hash == oid::OID_NIST_HASH_SHA384 {
        Some(&lc::RSA_PSS_2048_8192_SHA384)
    } else if *hash == oid::OID_NIST_HASH_SHA512 {
        Some(&lc::RSA_PSS_2048_8192_SHA512)
    } else {
        None
    }
}

fn curve(key: &SubjectPublicKeyInfo<'_>) -> Option<Curve> {
    if key.algorithm.algorithm != oid::OID_KEY_TYPE_EC_PUBLIC_KEY {
        return None;
    }
    let name = key.algorithm.parameters.as_ref()?.as_oid().ok()?;
    [
        (oid::OID_EC_P256, Curve::P256),
        (oid::OID_NIST_EC_P384, Curve::P384),
        (oid::OID_NIST_EC_P521, Curve::P521),
    ]
    .into_iter()
    .find_map(|(known, curve)| (known == name).then_some(curve))
}

#[derive(Clone, Copy)]
enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    const fn name(self) -> &'static str {
        match self {
            Self::P256 => "ECDSA P-256",
            Self::P384 => "ECDSA P-384",
            Self::P521 => "ECDSA P-521",
        }
    }
}

#[derive(Clone, Copy)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}
