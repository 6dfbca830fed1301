//! When a chain is valid.

use jiff::{SignedDuration, Timestamp};

use super::super::certificate::Certificate;
use super::error::ChainError;

/// When an SVID may be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// At once.
    Now,
    /// It becomes valid then, which is near enough to wait for: clocks differ, and not every issuer
    /// dates back.
    At(Timestamp),
    /// It becomes valid then, and clocks that differ so much need somebody to look at them.
    TooFarAhead(Timestamp),
}

/// The time in which all certificates of a chain are valid, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::svid) struct Window {
    pub(in crate::svid) begins: Timestamp,
    pub(in crate::svid) ends: Timestamp,
}

impl Window {
    /// The window of a leaf and whatever is published with it.
    pub(in crate::svid) fn of<'a>(
        leaf: &Certificate,
        others: impl IntoIterator<Item = &'a Certificate>,
    ) -> Self {
        let start = Self {
            begins: leaf.not_before,
            ends: leaf.not_after,
        };
        others.into_iter().fold(start, |window, certificate| Self {
            begins: window.begins.max(certificate.not_before),
            ends: window.ends.min(certificate.not_after),
        })
    }

    /// See [`Readiness`]; `lifetime` is the leaf's.
    pub(super) fn readiness(self, lifetime: SignedDuration, now: Timestamp) -> Readiness {
        if self.begins <= now {
            return Readiness::Now;
        }
        let patience = MAX_PATIENCE.min(lifetime / 3);
        if self.begins.duration_since(now) <= patience {
            Readiness::At(self.begins)
        } else {
            Readiness::TooFarAhead(self.begins)
        }
    }
}

/// Every certificate that has expired, and a chain that is never valid as a whole.
pub(in crate::svid) fn faults(chain: &[Certificate], now: Timestamp) -> Vec<ChainError> {
    let published = || {
        chain
            .iter()
            .enumerate()
            .filter(|(position, certificate)| is_published(*position, certificate))
    };
    let mut faults: Vec<ChainError> = published()
        .filter(|(_, certificate)| certificate.not_after < now)
        .map(|(position, certificate)| ChainError::Expired {
            position,
            not_after: certificate.not_after,
            now,
        })
        .collect();
    if let Some(leaf) = chain.first() {
        let Window { begins, ends } =
            Window::of(leaf, published().map(|(_, certificate)| certificate));
        if begins > ends {
            faults.push(ChainError::NeverValid { begins, ends });
        }
    }
    faults
}

/// Self-signed roots are neither published nor believed, so their dates do not matter: who believes
/// them has them in a bundle.
pub(in crate::svid) fn is_published(position: usize, certificate: &Certificate) -> bool {
    position == 0 || !certificate.is_self_signed()
}

/// The most that is waited for a certificate to become valid.
const MAX_PATIENCE: SignedDuration = SignedDuration::from_mins(5);
