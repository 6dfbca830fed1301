//! Which signatures are accepted, and the check itself.

use aws_lc_rs::signature as lc;
use aws_lc_rs::signature::VerificationAlgorithm as _;
use x509_parser::asn1_rs::Oid;
use x509_parser::oid_registry as oid;
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use crate::algorithms::{Hash, KeyKind, SignatureAlgorithm};

/// Checks a signature over `message` by the holder of `key`.
///
/// SHA-1 is not accepted (RFC 9155 and common practice), nor RSA below 2048 bits.
pub(super) fn verify(
    key: &SubjectPublicKeyInfo<'_>,
    algorithm: &AlgorithmIdentifier<'_>,
    signature: &[u8],
    message: &[u8],
) -> Result<(), SignatureError> {
    let bytes = &key.subject_public_key.data;
    let kind = KeyKind::read(&key.algorithm);
    let verified = match (SignatureAlgorithm::read(algorithm), kind) {
        (Some(algorithm), Some(kind)) => {
            let algorithm = algorithm.verification(kind);
            let algorithm = algorithm.ok_or(SignatureError::Unsupported)?;
            lc::UnparsedPublicKey::new(algorithm, bytes).verify(message, signature)
        }
        (None, _) => {
            let pss = Pss::of_signature(&key.algorithm, algorithm);
            let pss = pss.ok_or(SignatureError::Unsupported)?;
            pss.algorithm().verify_sig(bytes, message, signature)
        }
        (Some(_), None) => return Err(SignatureError::Unsupported),
    };
    verified.or(Err(SignatureError::Mismatch))
}

/// Whether there is a kind of key for which such a signature would be believed.
pub(super) fn is_acceptable(algorithm: &AlgorithmIdentifier<'_>) -> bool {
    SignatureAlgorithm::read(algorithm).is_some() || Pss::read(algorithm).is_some()
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
    let is_pss = key.algorithm.algorithm == oid::OID_PKCS1_RSASSAPSS;
    let is_rsa = is_pss || key.algorithm.algorithm == oid::OID_PKCS1_RSAENCRYPTION;
    match lc::RsaParameters::public_modulus_len(&key.subject_public_key.data) {
        Ok(bits) if is_pss => format!("RSA {bits} for PSS"),
        Ok(bits) if is_rsa => format!("RSA {bits}"),
        _ => "unknown".to_owned(),
    }
}

/// The parameters of RSASSA-PSS (RFC 4055, section 3.1), as far as they are accepted: one hash of
/// SHA-2 for the message and for the mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pss {
    hash: Hash,
    /// Bytes.
    salt: u16,
}

impl Pss {
    /// The parameters of a signature, if a key of this kind may make it: one for any use of RSA,
    /// one for PSS, or one for PSS with these parameters and at least that much salt.
    fn of_signature(
        key: &AlgorithmIdentifier<'_>,
        signature: &AlgorithmIdentifier<'_>,
    ) -> Option<Self> {
        let used = Self::read(signature)?;
        if key.algorithm == oid::OID_PKCS1_RSAENCRYPTION {
            return Some(used);
        }
        if key.algorithm != oid::OID_PKCS1_RSASSAPSS {
            return None;
        }
        if key.parameters.is_none() {
            return Some(used);
        }
        let least = Self::read(key)?;
        (used.hash == least.hash && used.salt >= least.salt).then_some(used)
    }

    fn read(algorithm: &AlgorithmIdentifier<'_>) -> Option<Self> {
        if algorithm.algorithm != oid::OID_PKCS1_RSASSAPSS {
            return None;
        }
        let parameters = RsaSsaPssParams::try_from(algorithm.parameters.as_ref()?).ok()?;
        let mask = parameters.mask_gen_algorithm().ok()?;
        let hash = hash(parameters.hash_algorithm_oid())?;
        let is_accepted = mask.mgf == MGF1
            && self::hash(&mask.hash) == Some(hash)
            && parameters.trailer_field() == 1;
        let salt = u16::try_from(parameters.salt_length()).ok()?;
        is_accepted.then_some(Self { hash, salt })
    }

    fn algorithm(self) -> lc::RsaParameters {
        let salt = lc::RsaPssSaltLength::Custom(self.salt);
        match self.hash {
            Hash::Sha256 => lc::RSA_PSS_2048_8192_SHA256.with_pss_salt_length(salt),
            Hash::Sha384 => lc::RSA_PSS_2048_8192_SHA384.with_pss_salt_length(salt),
            Hash::Sha512 => lc::RSA_PSS_2048_8192_SHA512.with_pss_salt_length(salt),
        }
    }
}

fn hash(name: &Oid<'_>) -> Option<Hash> {
    [
        (oid::OID_NIST_HASH_SHA256, Hash::Sha256),
        (oid::OID_NIST_HASH_SHA384, Hash::Sha384),
        (oid::OID_NIST_HASH_SHA512, Hash::Sha512),
    ]
    .into_iter()
    .find_map(|(known, hash)| (known == *name).then_some(hash))
}

/// `id-mgf1`, the only mask generation function there is.
const MGF1: Oid<'static> = x509_parser::asn1_rs::oid!(1.2.840.113549.1.1.8);
