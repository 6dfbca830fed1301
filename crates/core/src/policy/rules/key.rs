//! The key is of an allowed kind and size.
//!
//! Stops: identities on keys that can be broken (RSA 1024, exponent 3) or that a reader takes for
//! something else (curves given by parameters, compressed or hybrid points), and slow ones that
//! cost every peer time (RSA 16384).
//! Allowed: ECDSA on P-256, P-384 or P-521 with an uncompressed point, RSA of 2048 to 4096 bits
//! with an odd exponent from 65537 to 2^31-1, Ed25519.
//! Refused: any other.
//! Source: RFC 5480, RFC 8017, RFC 8410; CA/Browser Forum Baseline Requirements 6.1.5 and 6.1.6;
//! the allow-list that Kubernetes keeps for pod certificates, which begins at RSA 3072.

use x509_parser::asn1_rs::{FromDer, Oid};
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_NIST_EC_P521,
    OID_PKCS1_RSAENCRYPTION, OID_SIG_ED25519,
};
use x509_parser::public_key::RSAPublicKey;

use super::{Rule, Verdict, broken};
use crate::der;
use crate::policy::csr::Csr;
use crate::policy::decision::Violation;

/// Looks at the public key of the signing request.
pub(in crate::policy) fn check(csr: &Csr<'_>) -> Verdict {
    Key::read(csr).map(|_key| ())
}

/// A public key of an allowed kind. That its point lies on its curve shows when the signature is
/// verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Key<'a> {
    /// A point on a curve, uncompressed.
    Ecdsa(Curve, &'a [u8]),
    /// Modulus and exponent, big-endian.
    Rsa(RsaNumber<'a>, RsaNumber<'a>),
    /// 32 bytes.
    Ed25519(&'a [u8]),
}

/// The allowed curves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Curve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
}

impl Curve {
    fn from_oid(oid: &Oid<'_>) -> Option<Self> {
        if *oid == OID_EC_P256 {
            Some(Self::P256)
        } else if *oid == OID_NIST_EC_P384 {
            Some(Self::P384)
        } else if *oid == OID_NIST_EC_P521 {
            Some(Self::P521)
        } else {
            None
        }
    }

    /// The length of one coordinate.
    fn bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

/// A positive number, big-endian without leading zeroes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) struct RsaNumber<'a>(&'a [u8]);

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

impl<'a> Key<'a> {
    /// Reads the public key, if it is allowed.
    pub(in crate::policy) fn read<'c: 'a>(csr: &'c Csr<'_>) -> Result<Self, Violation> {
        let spki = csr.public_key();
        let bytes: &'a [u8] = &spki.subject_public_key.data;
        let algorithm = &spki.algorithm.algorithm;
        if *algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY {
            let curve = spki
                .algorithm
                .parameters
                .as_ref()
                .and_then(|any| any.as_oid().ok());
            match curve.and_then(|oid| Curve::from_oid(&oid)) {
                Some(curve) => Self::read_point(curve, bytes),
                None => broken(
                    Rule::Key,
                    format!("the CSR's key is on another curve; {WANTED}"),
                ),
            }
        } else if *algorithm == OID_PKCS1_RSAENCRYPTION {
            Self::read_rsa(bytes)
        } else if *algorithm == OID_SIG_ED25519 {
            match bytes.len() {
                ED25519_BYTES => Ok(Self::Ed25519(bytes)),
                _ => broken(Rule::Key, "the CSR's Ed25519 key must be 32 bytes long"),
            }
        } else {
            broken(
                Rule::Key,
                format!("the CSR's key is of another kind; {WANTED}"),
            )
        }
    }

    fn read_point(curve: Curve, bytes: &'a [u8]) -> Result<Self, Violation> {
        match bytes {
            [UNCOMPRESSED, point @ ..] if point.len() == 2 * curve.bytes() => {
                Ok(Self::Ecdsa(curve, bytes))
            }
            [..] => broken(
                Rule::Key,
                "the CSR's key must be an uncompressed point of its curve",
            ),
        }
    }

    fn read_rsa(bytes: &'a [u8]) -> Result<Self, Violation> {
        let Ok(([], key)) = RSAPublicKey::from_der(bytes) else {
            return broken(Rule::Key, "the CSR's RSA key is malformed");
        };
        let (Some(modulus), Some(exponent)) =
            (RsaNumber::read(key.modulus), RsaNumber::read(key.exponent))
        else {
            return broken(Rule::Key, "the CSR's RSA key is malformed");
        };
        if !(RSA_LEAST_BITS..=RSA_MOST_BITS).contains(&modulus.bits()) || !modulus.is_odd() {
            let bits = modulus.bits();
            return broken(
                Rule::Key,
                format!("the CSR's RSA key has {bits} bits, it must have 2048 to 4096"),
            );
        }
        // 17 bits and odd is at least 65537.
        if !(17..=31).contains(&exponent.bits()) || !exponent.is_odd() {
            return broken(
                Rule::Key,
                "the CSR's RSA exponent must be odd and at least 65537; 65537 is usual",
            );
        }
        Ok(Self::Rsa(modulus, exponent))
    }

    /// Writes the SubjectPublicKeyInfo anew.
    pub(in crate::policy) fn to_der(&self) -> Vec<u8> {
        match self {
            Self::Ecdsa(Curve::P256, point) => {
                der::sequence(&[ALGORITHM_P256, &der::bit_string(point)])
            }
            Self::Ecdsa(Curve::P384, point) => {
                der::sequence(&[ALGORITHM_P384, &der::bit_string(point)])
            }
            Self::Ecdsa(Curve::P521, point) => {
                der::sequence(&[ALGORITHM_P521, &der::bit_string(point)])
            }
            Self::Rsa(modulus, exponent) => {
                let key = der::sequence(&[&der::unsigned(modulus.0), &der::unsigned(exponent.0)]);
                der::sequence(&[ALGORITHM_RSA, &der::bit_string(&key)])
            }
            Self::Ed25519(key) => der::sequence(&[ALGORITHM_ED25519, &der::bit_string(key)]),
        }
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

/// `SEQUENCE { id-ecPublicKey, secp256r1 }`.
const ALGORITHM_P256: &[u8] = &[
    0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
    0xce, 0x3d, 0x03, 0x01, 0x07,
];
/// `SEQUENCE { id-ecPublicKey, secp384r1 }`.
const ALGORITHM_P384: &[u8] = &[
    0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04,
    0x00, 0x22,
];
/// `SEQUENCE { id-ecPublicKey, secp521r1 }`.
const ALGORITHM_P521: &[u8] = &[
    0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04,
    0x00, 0x23,
];
/// `SEQUENCE { rsaEncryption, NULL }`.
const ALGORITHM_RSA: &[u8] = &[
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];
/// `SEQUENCE { id-Ed25519 }`.
const ALGORITHM_ED25519: &[u8] = &[0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];

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
            assert_eq!(Key::read_rsa(&key).is_ok(), allowed, "{bits}");
        }
    }
}
