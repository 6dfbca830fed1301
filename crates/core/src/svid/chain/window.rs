//! When a chain is valid.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::super::certificate::Certificate;

/// When an SVID may be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartOfValidity {
    /// At once.
    Now,
    /// It becomes valid then, which is near enough to wait for: clocks differ, and not every issuer
    /// dates back.
    At(Timestamp),
    /// It becomes valid then, and clocks that differ so much need an administrator.
    TooFarAhead(Timestamp),
}

/// The time in which a chain can be used, since all certificates of its path are valid; both ends
/// are included (RFC 5280, section 4.1.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The latest notBefore of the path.
    pub start: Timestamp,
    /// The earliest notAfter of the path and the root that it leads to.
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

    /// The time in which all these are valid.
    pub(in crate::svid) fn of<'a>(path: impl IntoIterator<Item = &'a Certificate>) -> Self {
        let ever = Self {
            start: Timestamp::MIN,
            end: Timestamp::MAX,
        };
        path.into_iter().fold(ever, |window, certificate| Self {
            start: window.start.max(certificate.not_before),
            end: window.end.min(certificate.not_after),
        })
    }

    /// See [`StartOfValidity`]; `lifetime` is the leaf's.
    pub(super) fn readiness(self, lifetime: SignedDuration, now: Timestamp) -> StartOfValidity {
        if self.start <= now {
            return StartOfValidity::Now;
        }
        let patience = MAX_PATIENCE.min(lifetime / 3);
        if self.start.duration_since(now) <= patience {
            StartOfValidity::At(self.start)
        } else {
            StartOfValidity::TooFarAhead(self.start)
        }
    }
}

/// The longest wait for a certificate to become valid.
pub(super) const MAX_PATIENCE: SignedDuration = SignedDuration::from_mins(5);
