//! The key is of an allowed kind and size.
//!
//! Stops: identities with weak keys (RSA 1024, exponent 3), with keys that parsers interpret
//! differently (explicit curve parameters, compressed or hybrid points), and with keys so large
//! that they cost every peer time (RSA 16384). Allowed: ECDSA on P-256, P-384 or P-521 with an
//! uncompressed point, RSA of 2048 to 4096 bits with an odd exponent from 65537 to 2^31-1, Ed25519.
//! Refused: any other. Source: RFC 5480, RFC 8017, RFC 8410; CA/Browser Forum Baseline Requirements
//! 6.1.5 and 6.1.6; the allow-list that Kubernetes keeps for pod certificates, which begins at RSA
//! 3072.

use x509_parser::asn1_rs::FromDer;
use x509_parser::oid_registry::OID_KEY_TYPE_EC_PUBLIC_KEY;
use x509_parser::public_key::RSAPublicKey;

use super::{Rule, RuleResult, broken};
use crate::algorithms::{Curve, KeyKind};
use crate::der;
use crate::policy::csr::Csr;
use crate::policy::decision::Violation;

/// Looks at the public key of the signing request.
pub(in crate::policy) fn check(csr: &Csr<'_>) -> RuleResult {
    AllowedKey::read(csr).map(|_key| ())
}

/// A public key of an allowed kind and size. That its point lies on its curve shows when the
/// signature is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) struct AllowedKey {
    kind: KeyKind,
    /// What the BIT STRING must hold.
    bytes: Vec<u8>,
}

/// A positive number, big-endian without leading zeroes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RsaNumber<'a>(&'a [u8]);

impl<'a> RsaNumber<'a> {
    /// Takes the content of a DER INTEGER; None when it is negative or zero.
    fn read(content: &'a [u8]) -> Option<Self> {
        if content.first()? & 0x80 != 0 {
            return None;
        }
        let zeroes = content.iter().take_while(|byte| **byte == 0).count();
        content
            .get(zeroes..)
            .filter(|rest| !rest.is_empty())
            .map(Self)
    }

    fn bits(self) -> usize {
        let leading = self.0.first().map_or(8, |byte| byte.leading_zeros());
        (self.0.len() * 8).saturating_sub(usize::try_from(leading).unwrap_or(8))
    }

    fn is_odd(self) -> bool {
        self.0.last().is_some_and(|byte| byte & 1 == 1)
    }
}

impl AllowedKey {
    /// Reads the public key, if it is allowed.
    pub(in crate::policy) fn read(csr: &Csr<'_>) -> Result<Self, Violation> {
        let spki = csr.public_key();
        let Some(kind) = KeyKind::read(&spki.algorithm) else {
            let other = if spki.algorithm.algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY {
                "on an unsupported curve"
            } else {
                "of an unsupported kind"
            };
            return broken(Rule::Key, format!("the CSR's key is {other}; {WANTED}"));
        };
        let bytes: &[u8] = &spki.subject_public_key.data;
        let bytes = match kind {
            KeyKind::Ecdsa(curve) => read_point(curve, bytes)?,
            KeyKind::Rsa => read_rsa(bytes)?,
            KeyKind::Ed25519 => read_ed25519(bytes)?,
        };
        Ok(Self { kind, bytes })
    }

    /// What kind of key it is.
    pub(in crate::policy) fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Encodes the SubjectPublicKeyInfo again.
    pub(in crate::policy) fn to_der(&self) -> Vec<u8> {
        der::sequence(&[&self.kind.to_der(), &der::bit_string(&self.bytes)])
    }
}

fn read_point(curve: Curve, bytes: &[u8]) -> Result<Vec<u8>, Violation> {
    match bytes {
        [UNCOMPRESSED, point @ ..] if point.len() == 2 * curve.coordinate() => Ok(bytes.to_vec()),
        [..] => broken(
            Rule::Key,
            "the CSR's key must be an uncompressed point of its curve",
        ),
    }
}

/// Encodes modulus and exponent again.
fn read_rsa(bytes: &[u8]) -> Result<Vec<u8>, Violation> {
    let malformed = "the CSR's RSA key is malformed";
    let Ok(([], key)) = RSAPublicKey::from_der(bytes) else {
        return broken(Rule::Key, malformed);
    };
    let (Some(modulus), Some(exponent)) =
        (RsaNumber::read(key.modulus), RsaNumber::read(key.exponent))
    else {
        return broken(Rule::Key, malformed);
    };
    if !(RSA_LEAST_BITS..=RSA_MOST_BITS).contains(&modulus.bits()) || !modulus.is_odd() {
        let bits = modulus.bits();
        return broken(
            Rule::Key,
            format!("the CSR's RSA key has {bits} bits; it must have 2048 to 4096"),
        );
    }
    // 17 bits and odd is at least 65537.
    if !(17..=31).contains(&exponent.bits()) || !exponent.is_odd() {
        return broken(
            Rule::Key,
            "the CSR's RSA exponent must be odd and at least 65537; 65537 is usual",
        );
    }
    Ok(der::sequence(&[
        &der::unsigned(modulus.0),
        &der::unsigned(exponent.0),
    ]))
}

fn read_ed25519(bytes: &[u8]) -> Result<Vec<u8>, Violation> {
    if bytes.len() == ED25519_BYTES {
        Ok(bytes.to_vec())
    } else {
        broken(Rule::Key, "the CSR's Ed25519 key must be 32 bytes long")
    }
}

const WANTED: &str = "use ECDSA P-256, P-384 or P-521, RSA of 2048 to 4096 bits, or Ed25519";
/// The weakest that NIST SP 800-57 still accepts.
const RSA_LEAST_BITS: usize = 2048;
/// Beyond this a handshake costs milliseconds and gains nothing.
const RSA_MOST_BITS: usize = 4096;
const ED25519_BYTES: usize = 32;
/// SEC 1, 2.3.3.
const UNCOMPRESSED: u8 = 0x04;

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(read_rsa(&key).is_ok(), allowed, "{bits}");
        }
    }
}
