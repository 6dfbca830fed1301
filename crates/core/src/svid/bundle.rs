//! The trust bundle: the roots that relying parties trust.

use std::fmt;

use super::certificate::Certificate;
use crate::armor::{self, ArmorError};

/// The certificates of the authorities of a trust domain (SPIFFE X509-SVID, section 5.1), one at
/// the least.
///
/// The administrator's input is cleaned while parsing: text around the blocks, blocks with other
/// labels and duplicate certificates are dropped, so that pods get only certificates. The order is
/// kept.
#[derive(Clone, PartialEq, Eq)]
pub struct TrustBundle {
    authorities: Vec<Certificate>,
    pem: String,
}

impl TrustBundle {
    /// Reads a bundle from PEM.
    ///
    /// Expired CAs are accepted, since bundles keep them for a while; no chain can be anchored to
    /// them.
    ///
    /// # Errors
    ///
    /// When the text is longer than 1 MiB, is damaged, holds no certificate, or holds one that is
    /// not an authority: a bundle of which a part is not understood is not trusted at all.
    pub fn parse_pem(text: &[u8]) -> Result<Self, BundleError> {
        if text.len() > MAX_BYTES {
            return Err(BundleError::TooLarge { bytes: text.len() });
        }
        let mut authorities: Vec<Certificate> = Vec::new();
        let mut pem = String::new();
        let blocks = armor::decode(text)?;
        for (index, block) in blocks
            .iter()
            .filter(|block| block.label == LABEL)
            .enumerate()
        {
            let number = index + 1;
            let certificate =
                Certificate::parse(&block.der).ok_or(BundleError::Malformed { number })?;
            if !certificate.is_authority() {
                return Err(BundleError::NotAuthority {
                    number,
                    subject: certificate.subject_text(),
                });
            }
            if !authorities.contains(&certificate) {
                pem.push_str(&armor::encode(LABEL, &certificate.der));
                authorities.push(certificate);
            }
        }
        if authorities.is_empty() {
            return Err(BundleError::Empty);
        }
        Ok(Self { authorities, pem })
    }

    /// The certificates as PEM, one block each and nothing else.
    pub fn to_pem(&self) -> &str {
        &self.pem
    }

    /// How many different certificates there are.
    #[expect(clippy::len_without_is_empty, reason = "there is no empty bundle")]
    pub fn len(&self) -> usize {
        self.authorities.len()
    }

    pub(super) fn authorities(&self) -> &[Certificate] {
        &self.authorities
    }
}

impl fmt::Debug for TrustBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrustBundle({} certificates)", self.authorities.len())
    }
}

/// Why a text is not a trust bundle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// More bytes than a bundle may have.
    #[error("the trust bundle is {bytes} bytes long; at most {MAX_BYTES} are allowed")]
    TooLarge {
        /// How many there are.
        bytes: usize,
    },
    /// The PEM is damaged.
    #[error("the trust bundle could not be read: {0}")]
    Armor(ArmorError),
    /// It holds no certificate.
    #[error("the trust bundle contains no certificate: PEM blocks \"{LABEL}\" are expected")]
    Empty,
    /// A block is not a certificate, or something follows it within the block.
    #[error(
        "certificate {number} of the trust bundle could not be read: it is not a DER-encoded \
        X.509 certificate"
    )]
    Malformed {
        /// Which one, counted from 1.
        number: usize,
    },
    /// A certificate may not sign others.
    #[error(
        "certificate {number} of the trust bundle ({subject}) is not a CA that may sign \
         certificates; remove it"
    )]
    NotAuthority {
        /// Which one, counted from 1.
        number: usize,
        /// Its subject, escaped and truncated.
        subject: String,
    },
}

impl From<ArmorError> for BundleError {
    fn from(error: ArmorError) -> Self {
        Self::Armor(error)
    }
}

const LABEL: &str = "CERTIFICATE";

/// The limit that Kubernetes has for a ConfigMap and for a ClusterTrustBundle.
const MAX_BYTES: usize = 1024 * 1024;
