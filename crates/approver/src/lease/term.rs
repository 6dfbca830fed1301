//! What the rest of the approver knows of the lease.

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Whether this replica decides.
#[derive(Clone, Debug)]
pub(crate) enum Leadership {
    /// Another one does, or nobody.
    Standby,
    /// This one does.
    Leading(Term),
}

impl Leadership {
    /// The term, if this replica leads at this moment.
    pub(crate) fn term(&self, now: Instant) -> Option<&Term> {
        match self {
            Self::Leading(term) if term.holds(now) => Some(term),
            Self::Leading(_) | Self::Standby => None,
        }
    }
}

/// Where leadership is learned from. It wakes its readers when a term begins or ends; renewals
/// are silent.
pub(crate) type LeadershipReceiver = watch::Receiver<Leadership>;

/// A time in which this replica decides, from acquiring the lease to losing it.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    until: Instant,
    ended: CancellationToken,
}

impl Term {
    pub(super) fn new(until: Instant) -> Self {
        Self {
            until,
            ended: CancellationToken::new(),
        }
    }

    /// Whether the term goes on. Looks at the clock too, so that a process that was stopped for
    /// longer than its lease knows before its timers do.
    pub(crate) fn holds(&self, now: Instant) -> bool {
        !self.ended.is_cancelled() && now < self.until
    }

    /// Waits until the term is over.
    pub(crate) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    pub(super) fn until(&self) -> Instant {
        self.until
    }

    pub(super) fn extend(&mut self, until: Instant) {
        self.until = until;
    }

    pub(super) fn end(&self) {
        self.ended.cancel();
    }
}
