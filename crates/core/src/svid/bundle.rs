//! The trust bundle: the roots that relying parties believe.

use super::armor::ArmorError;

/// The certificates of the authorities of a trust domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustBundle {
    pem: String,
}

impl TrustBundle {
    /// Reads a bundle.
    ///
    /// # Errors
    ///
    /// See [`BundleError`].
    pub fn parse_pem(_text: &[u8]) -> Result<Self, BundleError> {
        Err(BundleError::Empty)
    }

    /// The bundle as PEM.
    pub fn to_pem(&self) -> &str {
        &self.pem
    }

    /// How many certificates.
    #[expect(clippy::len_without_is_empty, reason = "a bundle is never empty")]
    pub fn len(&self) -> usize {
        0
    }
}

/// Why a text is no trust bundle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// No certificate.
    #[error("the trust bundle holds no certificate")]
    Empty,
    /// The PEM is not as expected.
    #[error("the trust bundle could not be read: {0}")]
    Armor(#[from] ArmorError),
}
