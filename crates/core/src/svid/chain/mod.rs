//! The chain that an issuer returned, and whether it is the SVID that was asked for.

use jiff::Timestamp;

use super::{ArmorError, PublicKey, TrustBundle};
use crate::identity::SpiffeId;

/// What was asked for, and so what the chain has to be.
#[derive(Clone, Copy, Debug)]
pub struct Expectation<'a> {
    /// The identity, compared byte for byte.
    pub spiffe_id: &'a SpiffeId,
    /// The key that was made for it.
    pub public_key: &'a PublicKey,
    /// The roots, if the administrator named any.
    pub trust_bundle: Option<&'a TrustBundle>,
}

/// A checked X.509-SVID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct X509Svid {
    chain_pem: String,
    serial: Vec<u8>,
    spiffe_id: SpiffeId,
    not_before: Timestamp,
    not_after: Timestamp,
    usable_until: Timestamp,
    anchoring: Anchoring,
}

impl X509Svid {
    /// Checks a chain.
    ///
    /// # Errors
    ///
    /// See [`ChainError`].
    pub fn verify(
        _chain_pem: &[u8],
        _expected: &Expectation<'_>,
        _now: Timestamp,
    ) -> Result<Self, ChainError> {
        Err(ChainError::Empty)
    }
    /// The chain to publish.
    pub fn chain_pem(&self) -> &str {
        &self.chain_pem
    }
    /// The leaf's.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }
    /// The leaf's.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }
    /// The earliest `notAfter` of the chain.
    pub fn usable_until(&self) -> Timestamp {
        self.usable_until
    }
    /// The serial number of the leaf.
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }
    /// The identity.
    pub fn spiffe_id(&self) -> &SpiffeId {
        &self.spiffe_id
    }
    /// Whether it leads to the bundle.
    pub fn anchoring(&self) -> Anchoring {
        self.anchoring
    }
    /// Whether it may be published now.
    pub fn readiness(&self, _now: Timestamp) -> Readiness {
        Readiness::Now
    }
}

/// Whether a chain leads to our roots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchoring {
    /// It does.
    Anchored,
    /// It does not.
    NotAnchored,
    /// There are no roots to compare with.
    NoBundle,
}

/// When an SVID may be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// At once.
    Now,
    /// It becomes valid then, which is near enough to wait for.
    At(Timestamp),
    /// It becomes valid then, which is too far ahead to be a matter of clocks.
    TooFarAhead(Timestamp),
}

/// Why a chain is not the SVID that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// No certificate.
    #[error("the issuer returned no certificate")]
    Empty,
    /// The PEM is not as expected.
    #[error("the certificate chain could not be read: {0}")]
    Armor(#[from] ArmorError),
}
