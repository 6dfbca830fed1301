//! When a chain is valid.

use std::time::Duration;

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
    /// It becomes valid then, and clocks that differ so much need an administrator.
    TooFarAhead(Timestamp),
}

/// The time in which a chain can be used, since all its certificates are valid; both ends are
/// included (RFC 5280, section 4.1.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The latest notBefore of the chain.
    pub start: Timestamp,
    /// The earliest notAfter of the chain.
    pub end: Timestamp,
}

impl Window {
    /// Whether the chain can be used at `now`.
    pub fn contains(self, now: Timestamp) -> bool {
        (self.start..=self.end).contains(&now)
    }

    /// How long it is; zero if it ends before it starts.
    pub fn length(self) -> Duration {
        self.start
            .duration_until(self.end)
            .try_into()
            .unwrap_or(Duration::ZERO)
    }

    /// What is left of it at `now`; zero after its end.
    pub fn remaining(self, now: Timestamp) -> Duration {
        now.duration_until(self.end)
            .try_into()
            .unwrap_or(Duration::ZERO)
    }

    /// The window of a leaf and whatever is published with it.
    pub(in crate::svid) fn of<'a>(
        leaf: &Certificate,
        others: impl IntoIterator<Item = &'a Certificate>,
    ) -> Self {
        let leaf = Self {
            start: leaf.not_before,
            end: leaf.not_after,
        };
        others.into_iter().fold(leaf, |window, certificate| Self {
            start: window.start.max(certificate.not_before),
            end: window.end.min(certificate.not_after),
        })
    }

    /// See [`Readiness`]; `lifetime` is the leaf's.
    pub(super) fn readiness(self, lifetime: SignedDuration, now: Timestamp) -> Readiness {
        if self.start <= now {
            return Readiness::Now;
        }
        let patience = MAX_PATIENCE.min(lifetime / 3);
        if self.start.duration_since(now) <= patience {
            Readiness::At(self.start)
        } else {
            Readiness::TooFarAhead(self.start)
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
        let Window { start, end } =
            Window::of(leaf, published().map(|(_, certificate)| certificate));
        if start > end {
            faults.push(ChainError::NeverValid {
                begins: start,
                ends: end,
            });
        }
    }
    faults
}

/// Self-signed roots are neither published nor trusted, so their dates do not matter: relying
/// parties that trust them have them in a bundle.
pub(in crate::svid) fn is_published(position: usize, certificate: &Certificate) -> bool {
    position == 0 || !certificate.is_self_signed()
}

/// The longest wait for a certificate to become valid.
const MAX_PATIENCE: SignedDuration = SignedDuration::from_mins(5);
