//! Keys: the private one of an SVID, and public ones to compare.

use std::fmt;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
};
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::SubjectPublicKeyInfo;
use zeroize::Zeroizing;

use crate::armor::{self, ArmorError};

/// The private key of an SVID: ECDSA on P-256, made in this process.
///
/// It leaves only as PKCS#8 PEM, to be written into the volume. Its memory is wiped when it is
/// dropped, on both sides of the cryptographic library's border, and it never prints.
pub struct PrivateKey {
    pair: EcdsaKeyPair,
    pem: Zeroizing<String>,
    public: PublicKey,
}

impl PrivateKey {
    /// Makes a new key. The randomness is that of aws-lc-rs, which seeds itself from the kernel.
    ///
    /// # Errors
    ///
    /// [`KeyError::Generation`] when the cryptographic library fails, which is not expected.
    pub fn generate() -> Result<Self, KeyError> {
        let failed = |_| KeyError::Generation;
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(failed)?;
        // The library wipes this document when it is dropped.
        let document = pair.to_pkcs8v1().map_err(failed)?;
        let pem = armor::encode(LABEL, document.as_ref());
        let public = PublicKey {
            der: pair
                .public_key()
                .as_der()
                .map_err(failed)?
                .as_ref()
                .to_vec(),
        };
        Ok(Self { pair, pem, public })
    }

    /// The key as one PKCS#8 PEM block, `PRIVATE KEY`, in memory that is wiped when dropped.
    pub fn to_pkcs8_pem(&self) -> Zeroizing<String> {
        self.pem.clone()
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The public point alone, as SEC 1 encodes it.
    pub(super) fn public_point(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// ECDSA with SHA-256 over a message, in DER; nothing if the cryptographic library fails.
    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let signature = self.pair.sign(&SystemRandom::new(), message).ok()?;
        Some(signature.as_ref().to_vec())
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").finish_non_exhaustive()
    }
}

/// A public key: the DER of its SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7).
///
/// Two of them are the same key exactly if their bytes are equal.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublicKey {
    der: Vec<u8>,
}

impl PublicKey {
    /// The public half of a private key in PKCS#8 PEM; the private one is wiped again.
    ///
    /// Takes ECDSA on P-256, P-384 and P-521, Ed25519, and RSA of 2048 bits and more, because a
    /// volume may have been filled by another driver.
    ///
    /// # Errors
    ///
    /// When the text is too long, is not exactly one `PRIVATE KEY` block, or the key in it is of
    /// another kind or damaged. The text of the error never holds any of the key.
    pub fn from_pkcs8_pem(pem: &[u8]) -> Result<Self, KeyError> {
        if pem.len() > MAX_PEM_BYTES {
            return Err(KeyError::TooLarge { bytes: pem.len() });
        }
        let pkcs8 = armor::decode_single(pem, LABEL)?;
        let der = ecdsa(&pkcs8)
            .or_else(|| ed25519(&pkcs8))
            .or_else(|| rsa(&pkcs8));
        der.map(|der| Self { der }).ok_or(KeyError::Unsupported)
    }

    /// The DER of the SubjectPublicKeyInfo.
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// Takes the SubjectPublicKeyInfo of a parsed certificate or request.
    pub(super) fn from_info(info: &SubjectPublicKeyInfo<'_>) -> Self {
        Self {
            der: info.raw.to_vec(),
        }
    }

    /// What kind of key it is, for people: `ECDSA P-256`, `RSA 2048`.
    pub fn kind(&self) -> String {
        match SubjectPublicKeyInfo::from_der(&self.der) {
            Ok((_, info)) => super::signature::key_kind(&info),
            Err(_) => "unknown".to_owned(),
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {} bytes)", self.kind(), self.der.len())
    }
}

/// Why a key could not be made or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The cryptographic library could not make a key.
    #[error("the private key could not be created: the cryptographic library failed")]
    Generation,
    /// More bytes than any key has.
    #[error("the private key file is {bytes} bytes long; at most {MAX_PEM_BYTES} are allowed")]
    TooLarge {
        /// How many there are.
        bytes: usize,
    },
    /// The PEM is not as expected.
    #[error("the private key could not be read: {0}")]
    Armor(ArmorError),
    /// The block holds no key of a kind that is known here.
    #[error(
        "the private key could not be read: it is damaged, or neither ECDSA (P-256, P-384, P-521), Ed25519 nor RSA of 2048 bits or more in PKCS#8"
    )]
    Unsupported,
}

impl From<ArmorError> for KeyError {
    fn from(error: ArmorError) -> Self {
        Self::Armor(error)
    }
}

fn ecdsa(pkcs8: &[u8]) -> Option<Vec<u8>> {
    [
        &ECDSA_P256_SHA256_ASN1_SIGNING,
        &ECDSA_P384_SHA384_ASN1_SIGNING,
        &ECDSA_P521_SHA512_ASN1_SIGNING,
    ]
    .into_iter()
    .find_map(|algorithm| EcdsaKeyPair::from_pkcs8(algorithm, pkcs8).ok())
    .and_then(|pair| Some(pair.public_key().as_der().ok()?.as_ref().to_vec()))
}

fn ed25519(pkcs8: &[u8]) -> Option<Vec<u8>> {
    // "Maybe unchecked": version 1 of PKCS#8 holds no public key to check against.
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).ok()?;
    Some(pair.public_key().as_der().ok()?.as_ref().to_vec())
}

fn rsa(pkcs8: &[u8]) -> Option<Vec<u8>> {
    let pair = RsaKeyPair::from_pkcs8(pkcs8).ok()?;
    Some(pair.public_key().as_der().ok()?.as_ref().to_vec())
}

const LABEL: &str = "PRIVATE KEY";

/// RSA of 8192 bits is about 6.4 KiB.
const MAX_PEM_BYTES: usize = 64 * 1024;
