//! The checked SVID.

use jiff::{SignedDuration, Timestamp};

use super::super::certificate::Certificate;
use super::error::ChainError;
use super::expectation::Expectation;
use super::found::{EndsFirst, FoundPath, Gap};
use super::pool::Pool;
use super::window::{StartOfValidity, Window};
use super::{leaf, read};
use crate::armor;
use crate::identity::SpiffeId;

/// A verified X.509-SVID: proof that a chain is the one that was requested.
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
    ends_first: Option<EndsFirst>,
    has_key_usage: bool,
    anchoring: Anchoring,
}

/// Whether a chain leads to the trust bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Anchoring {
    /// A certificate of the bundle signed the last one of its path.
    Anchored,
    /// None did, for this reason, so relying parties with this bundle refuse the chain.
    NotAnchored(Gap),
    /// No bundle to compare with.
    NoBundle,
}

impl X509Svid {
    /// Verifies a chain in PEM, whatever the order of its certificates.
    ///
    /// The leaf is the certificate for the expected key. From there a path is looked for to an
    /// authority of the trust bundle, through the certificates of the chain and the candidates;
    /// what it does not need is left out. A leaf that is not valid yet passes.
    ///
    /// # Errors
    ///
    /// The first broken rule: what cannot be read, then what makes the leaf another's, then what
    /// makes it not an SVID, then what is wrong with each path to a root.
    pub fn verify(
        chain_pem: &[u8],
        expected: &Expectation<'_>,
        now: Timestamp,
    ) -> Result<Self, ChainError> {
        let (chain, unreadable) = read::read(chain_pem);
        if let Some(error) = unreadable.into_iter().next() {
            return Err(error);
        }
        let ours = |certificate: &&Certificate| certificate.public_key == *expected.public_key;
        let leaf = leaf::best(chain.iter().filter(ours), now).ok_or(ChainError::WrongKey)?;
        leaf::identity(leaf, expected.spiffe_id)?;
        if let Some(error) = leaf::faults_at(leaf, now).into_iter().next() {
            return Err(error);
        }
        let candidates = read::read_candidates(expected.candidates);
        let pool = Pool::new(leaf, chain.iter().chain(&candidates), expected.trust_bundle);
        let found = FoundPath::search(&pool, now)
            .map_err(|faults| faults.into_iter().next().unwrap_or(ChainError::Empty))?;
        let blocks = found
            .published()
            .map(|certificate| armor::encode(read::LABEL, &certificate.der));
        Ok(Self {
            chain_pem: blocks.map(|block| block.to_string()).collect(),
            spiffe_id: expected.spiffe_id.clone(),
            serial: leaf.serial.clone(),
            not_before: leaf.not_before,
            not_after: leaf.not_after,
            window: found.window(),
            ends_first: found.ends_first(),
            has_key_usage: leaf.extensions.key_usage.is_some(),
            anchoring: match (expected.trust_bundle, found.gap) {
                (None, _) => Anchoring::NoBundle,
                (Some(_), None) => Anchoring::Anchored,
                (Some(_), Some(gap)) => Anchoring::NotAnchored(gap),
            },
        })
    }

    /// The chain to publish, encoded again from the DER that was checked: the leaf, the path above
    /// it, and further valid certificates that join it; no self-signed roots.
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

    /// When the path as a whole can be used, the root included.
    pub fn window(&self) -> Window {
        self.window
    }

    /// Whether the chain leads to the trust bundle that was given.
    pub fn anchoring(&self) -> &Anchoring {
        &self.anchoring
    }

    /// The authority that ends before the leaf, first of all, if one does; it ends the window.
    pub fn ends_first(&self) -> Option<&EndsFirst> {
        self.ends_first.as_ref()
    }

    /// Whether the leaf has a key usage, without which most SPIFFE libraries refuse it.
    pub fn has_key_usage(&self) -> bool {
        self.has_key_usage
    }

    /// Whether the SVID is valid, as far as its beginning is concerned.
    ///
    /// One that is not valid yet is worth waiting for if it will be within five minutes or a third
    /// of its lifetime, whichever is less.
    pub fn readiness(&self, now: Timestamp) -> StartOfValidity {
        let lifetime: SignedDuration = self.not_after.duration_since(self.not_before);
        self.window.readiness(lifetime, now)
    }
}
