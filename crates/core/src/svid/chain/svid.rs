//! The checked SVID.

use jiff::{SignedDuration, Timestamp};

use super::anchor::{Anchoring, anchoring};
use super::error::ChainError;
use super::expectation::Expectation;
use super::window::{Readiness, Window, is_published};
use super::{leaf, path, read, window};
use crate::armor;
use crate::identity::SpiffeId;

/// An X.509-SVID that was checked: proof that a chain is the one that was asked for.
///
/// It may not be valid yet ([`X509Svid::readiness`]) and may not lead to our roots
/// ([`X509Svid::anchoring`]); what that means is for the caller to decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct X509Svid {
    chain_pem: String,
    spiffe_id: SpiffeId,
    serial: Vec<u8>,
    not_before: Timestamp,
    not_after: Timestamp,
    window: Window,
    anchoring: Anchoring,
}

impl X509Svid {
    /// Checks a chain in PEM, the leaf first and every certificate signed by the one after it.
    ///
    /// Self-signed roots at the end are left out of what is kept; their dates are not looked at.
    /// A leaf that is not valid yet passes.
    ///
    /// # Errors
    ///
    /// The first broken rule: what cannot be read, then what makes the leaf another's, then what
    /// makes it not an SVID, then the certificates above it, then the dates.
    pub fn verify(
        chain_pem: &[u8],
        expected: &Expectation<'_>,
        now: Timestamp,
    ) -> Result<Self, ChainError> {
        let (chain, unreadable) = read::read(chain_pem);
        if let Some(error) = unreadable.into_iter().next() {
            return Err(error);
        }
        let first = chain.first().ok_or(ChainError::Empty)?;
        let faults = leaf::unexpected(first, expected)
            .into_iter()
            .chain(leaf::faults(first))
            .chain(path::faults(&chain))
            .chain(window::faults(&chain, now));
        if let Some(error) = faults.into_iter().next() {
            return Err(error);
        }
        let published = || {
            let published = chain.iter().enumerate();
            published.filter(|(position, certificate)| is_published(*position, certificate))
        };
        let blocks =
            published().map(|(_, certificate)| armor::encode(read::LABEL, &certificate.der));
        Ok(Self {
            chain_pem: blocks.map(|block| block.to_string()).collect(),
            spiffe_id: expected.spiffe_id.clone(),
            serial: first.serial.clone(),
            not_before: first.not_before,
            not_after: first.not_after,
            window: Window::of(first, published().map(|(_, certificate)| certificate)),
            anchoring: anchoring(&chain, expected.trust_bundle, now),
        })
    }

    /// The chain to publish: the leaf first, then the intermediates, encoded again from the DER
    /// that was checked, without self-signed roots.
    pub fn chain_pem(&self) -> &str {
        &self.chain_pem
    }

    /// The identity, as it was asked for.
    pub fn spiffe_id(&self) -> &SpiffeId {
        &self.spiffe_id
    }

    /// The serial number of the leaf: the content of its DER integer, so a zero byte may lead.
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// When the leaf becomes valid; the chain may do so later, see [`X509Svid::window`].
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// When the leaf expires; the chain may do so earlier, see [`X509Svid::window`].
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// When the chain as a whole can be used.
    pub fn window(&self) -> Window {
        self.window
    }

    /// Whether the chain leads to the trust bundle that was given.
    pub fn anchoring(&self) -> Anchoring {
        self.anchoring
    }

    /// Whether the SVID is valid, as far as its beginning is concerned.
    ///
    /// One that is not valid yet is worth waiting for if it will be within five minutes or a third
    /// of its lifetime, whichever is less.
    pub fn readiness(&self, now: Timestamp) -> Readiness {
        let lifetime: SignedDuration = self.not_after.duration_since(self.not_before);
        self.window.readiness(lifetime, now)
    }
}
