//! The supported keys and signatures: ECDSA on the NIST curves, RSA and Ed25519, with SHA-2.
//!
//! Owns the tables, not what is allowed where: `svid` decides what an issuer may use and `policy`,
//! more strictly, what a request may use. Invariant: every algorithm named here has exactly one
//! encoding as an AlgorithmIdentifier and goes with one kind of key.
//!
//! Source: RFC 5480, RFC 5758, RFC 8017 and RFC 8410.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P256_SHA512_ASN1, ECDSA_P384_SHA256_ASN1,
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA512_ASN1, ECDSA_P521_SHA256_ASN1, ECDSA_P521_SHA384_ASN1,
    ECDSA_P521_SHA512_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, VerificationAlgorithm,
};
use x509_parser::asn1_rs::Oid;
use x509_parser::oid_registry as oid;
use x509_parser::x509::AlgorithmIdentifier;

use crate::der;

/// What kind of key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyKind {
    /// A point on a curve.
    Ecdsa(Curve),
    /// RSA of any size.
    Rsa,
    /// Ed25519.
    Ed25519,
}

/// The NIST curves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
}

/// A signature algorithm, identified by one OID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignatureAlgorithm {
    /// ecdsa-with-SHA*.
    Ecdsa(Hash),
    /// sha*WithRSAEncryption, which is PKCS#1 v1.5.
    Rsa(Hash),
    /// Ed25519.
    Ed25519,
}

/// The SHA-2 hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl KeyKind {
    /// Reads the kind from a SubjectPublicKeyInfo. Of the parameters only a curve's name is read.
    pub(crate) fn read(algorithm: &AlgorithmIdentifier<'_>) -> Option<Self> {
        let name = &algorithm.algorithm;
        if *name == oid::OID_KEY_TYPE_EC_PUBLIC_KEY {
            let curve = algorithm.parameters.as_ref()?.as_oid().ok()?;
            let known = Curve::ALL.into_iter().find(|known| known.oid() == curve);
            return known.map(Self::Ecdsa);
        }
        let others = [Self::Rsa, Self::Ed25519];
        others.into_iter().find(|known| known.oid() == *name)
    }

    /// Encodes the AlgorithmIdentifier with the parameters that this kind requires.
    pub(crate) fn to_der(self) -> Vec<u8> {
        let parameters = match self {
            Self::Ecdsa(curve) => der::oid(curve.oid().as_bytes()),
            Self::Rsa => der::NULL.to_vec(),
            Self::Ed25519 => Vec::new(),
        };
        der::sequence(&[&der::oid(self.oid().as_bytes()), &parameters])
    }

    fn oid(self) -> Oid<'static> {
        match self {
            Self::Ecdsa(_) => oid::OID_KEY_TYPE_EC_PUBLIC_KEY,
            Self::Rsa => oid::OID_PKCS1_RSAENCRYPTION,
            Self::Ed25519 => oid::OID_SIG_ED25519,
        }
    }
}

impl Curve {
    const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    /// The usual name of a key on this curve.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::P256 => "ECDSA P-256",
            Self::P384 => "ECDSA P-384",
            Self::P521 => "ECDSA P-521",
        }
    }

    /// The length of one coordinate in bytes.
    pub(crate) fn coordinate(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    fn oid(self) -> Oid<'static> {
        match self {
            Self::P256 => oid::OID_EC_P256,
            Self::P384 => oid::OID_NIST_EC_P384,
            Self::P521 => oid::OID_NIST_EC_P521,
        }
    }
}

impl SignatureAlgorithm {
    const ALL: [Self; 7] = [
        Self::Ecdsa(Hash::Sha256),
        Self::Ecdsa(Hash::Sha384),
        Self::Ecdsa(Hash::Sha512),
        Self::Rsa(Hash::Sha256),
        Self::Rsa(Hash::Sha384),
        Self::Rsa(Hash::Sha512),
        Self::Ed25519,
    ];

    /// Reads the algorithm from its OID; parameters are ignored.
    pub(crate) fn read(algorithm: &AlgorithmIdentifier<'_>) -> Option<Self> {
        let name = &algorithm.algorithm;
        Self::ALL.into_iter().find(|known| known.oid() == *name)
    }

    /// Encodes the AlgorithmIdentifier: RFC 8017 (A.2) requires NULL parameters, RFC 5758 (3.2) and
    /// RFC 8410 (3) require none.
    pub(crate) fn to_der(self) -> Vec<u8> {
        let parameters: &[u8] = match self {
            Self::Rsa(_) => &der::NULL,
            Self::Ecdsa(_) | Self::Ed25519 => &[],
        };
        der::sequence(&[&der::oid(self.oid().as_bytes()), parameters])
    }

    /// How to verify with a key of this kind; None if the two do not go together.
    pub(crate) fn verification(self, key: KeyKind) -> Option<&'static dyn VerificationAlgorithm> {
        use Curve::{P256, P384, P521};
        use Hash::{Sha256, Sha384, Sha512};
        Some(match (key, self) {
            (KeyKind::Ecdsa(P256), Self::Ecdsa(Sha256)) => &ECDSA_P256_SHA256_ASN1,
            (KeyKind::Ecdsa(P256), Self::Ecdsa(Sha384)) => &ECDSA_P256_SHA384_ASN1,
            (KeyKind::Ecdsa(P256), Self::Ecdsa(Sha512)) => &ECDSA_P256_SHA512_ASN1,
            (KeyKind::Ecdsa(P384), Self::Ecdsa(Sha256)) => &ECDSA_P384_SHA256_ASN1,
            (KeyKind::Ecdsa(P384), Self::Ecdsa(Sha384)) => &ECDSA_P384_SHA384_ASN1,
            (KeyKind::Ecdsa(P384), Self::Ecdsa(Sha512)) => &ECDSA_P384_SHA512_ASN1,
            (KeyKind::Ecdsa(P521), Self::Ecdsa(Sha256)) => &ECDSA_P521_SHA256_ASN1,
            (KeyKind::Ecdsa(P521), Self::Ecdsa(Sha384)) => &ECDSA_P521_SHA384_ASN1,
            (KeyKind::Ecdsa(P521), Self::Ecdsa(Sha512)) => &ECDSA_P521_SHA512_ASN1,
            (KeyKind::Rsa, Self::Rsa(Sha256)) => &RSA_PKCS1_2048_8192_SHA256,
            (KeyKind::Rsa, Self::Rsa(Sha384)) => &RSA_PKCS1_2048_8192_SHA384,
            (KeyKind::Rsa, Self::Rsa(Sha512)) => &RSA_PKCS1_2048_8192_SHA512,
            (KeyKind::Ed25519, Self::Ed25519) => &ED25519,
            (KeyKind::Ecdsa(_), Self::Rsa(_) | Self::Ed25519)
            | (KeyKind::Rsa, Self::Ecdsa(_) | Self::Ed25519)
            | (KeyKind::Ed25519, Self::Ecdsa(_) | Self::Rsa(_)) => return None,
        })
    }

    fn oid(self) -> Oid<'static> {
        match self {
            Self::Ecdsa(Hash::Sha256) => oid::OID_SIG_ECDSA_WITH_SHA256,
            Self::Ecdsa(Hash::Sha384) => oid::OID_SIG_ECDSA_WITH_SHA384,
            Self::Ecdsa(Hash::Sha512) => oid::OID_SIG_ECDSA_WITH_SHA512,
            Self::Rsa(Hash::Sha256) => oid::OID_PKCS1_SHA256WITHRSA,
            Self::Rsa(Hash::Sha384) => oid::OID_PKCS1_SHA384WITHRSA,
            Self::Rsa(Hash::Sha512) => oid::OID_PKCS1_SHA512WITHRSA,
            Self::Ed25519 => oid::OID_SIG_ED25519,
        }
    }
}

#[cfg(test)]
mod tests {
    use x509_parser::asn1_rs::FromDer as _;

    use super::*;

    #[test]
    fn identifiers_are_written_as_the_rfcs_have_them() {
        for (kind, hex) in [
            (
                KeyKind::Ecdsa(Curve::P256),
                "301306072a8648ce3d020106082a8648ce3d030107",
            ),
            (
                KeyKind::Ecdsa(Curve::P384),
                "301006072a8648ce3d020106052b81040022",
            ),
            (
                KeyKind::Ecdsa(Curve::P521),
                "301006072a8648ce3d020106052b81040023",
            ),
            (KeyKind::Rsa, "300d06092a864886f70d0101010500"),
            (KeyKind::Ed25519, "300506032b6570"),
        ] {
            let written = kind.to_der();
            assert_eq!(in_hex(&written), hex);
            let (_, read) = AlgorithmIdentifier::from_der(&written).unwrap();
            assert_eq!(KeyKind::read(&read), Some(kind));
        }
        for (algorithm, hex) in SignatureAlgorithm::ALL.into_iter().zip([
            "300a06082a8648ce3d040302",
            "300a06082a8648ce3d040303",
            "300a06082a8648ce3d040304",
            "300d06092a864886f70d01010b0500",
            "300d06092a864886f70d01010c0500",
            "300d06092a864886f70d01010d0500",
            "300506032b6570",
        ]) {
            let written = algorithm.to_der();
            assert_eq!(in_hex(&written), hex);
            let (_, read) = AlgorithmIdentifier::from_der(&written).unwrap();
            assert_eq!(SignatureAlgorithm::read(&read), Some(algorithm));
        }
    }

    fn in_hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
