//! Which signatures are accepted, and the check itself.

use aws_lc_rs::signature as lc;
use x509_parser::oid_registry as oid;
use x509_parser::public_key::PublicKey as ParsedKey;
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use crate::algorithms::{KeyKind, SignatureAlgorithm};

/// Checks a signature over `message` by the holder of `key`.
///
/// SHA-1 is not accepted (RFC 9155 and common practice), nor RSA below 2048 bits.
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
    match KeyKind::read(&key.algorithm) {
        Some(KeyKind::Ecdsa(curve)) => return curve.name().to_owned(),
        Some(KeyKind::Ed25519) => return "Ed25519".to_owned(),
        Some(KeyKind::Rsa) | None => {}
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
    let kind = KeyKind::read(&key.algorithm)?;
    match SignatureAlgorithm::read(algorithm) {
        Some(algorithm) => algorithm.verification(kind),
        None if kind == KeyKind::Rsa => pss(algorithm),
        None => None,
    }
}

/// RSASSA-PSS, whose hash stands in the parameters (RFC 8017, A.2.3).
fn pss(algorithm: &AlgorithmIdentifier<'_>) -> Option<&'static dyn lc::VerificationAlgorithm> {
    if algorithm.algorithm != oid::OID_PKCS1_RSASSAPSS {
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
