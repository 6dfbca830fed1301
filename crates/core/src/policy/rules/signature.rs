//! The requester holds the key, and signed with an algorithm that fits it.
//!
//! Stops: a certificate for somebody else's public key: replaying another pod's signing request
//! with one's own names, or claiming a key without holding it. Allowed: ECDSA with SHA-256, -384 or
//! -512; RSA PKCS#1 v1.5 with the same; Ed25519. Refused: SHA-1, MD5, PSS, an algorithm for another
//! kind of key, a signature over anything but these bytes. Source: RFC 2986 section 3 (proof of
//! possession); RFC 5758, RFC 8017, RFC 8410.

use aws_lc_rs::signature::UnparsedPublicKey;

use super::key::AllowedKey;
use super::{Rule, RuleResult, broken};
use crate::algorithms::SignatureAlgorithm;
use crate::policy::csr::Csr;

/// Verifies the signature over the request's own bytes with the key inside it.
///
/// Done here rather than by x509-parser, which knows neither P-521 nor SHA-512 with ECDSA and
/// accepts SHA-1.
pub(in crate::policy) fn check(csr: &Csr<'_>) -> RuleResult {
    // A key that is not allowed is the key rule's business, and its signature proves nothing.
    let Ok(key) = AllowedKey::read(csr) else {
        return Ok(());
    };
    let Some(algorithm) = SignatureAlgorithm::read(csr.signature_algorithm()) else {
        return broken(
            Rule::Signature,
            "the CSR must be signed with ECDSA or RSA PKCS#1 v1.5 and SHA-2, or with Ed25519",
        );
    };
    let Some(verification) = algorithm.verification(key.kind()) else {
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
