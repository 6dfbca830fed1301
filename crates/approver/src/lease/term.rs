//! What the rest of the approver knows of the lease.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Whether this replica decides.
#[derive(Clone, Debug)]
pub(crate) enum Leadership {
    /// Another one does, or nobody.
    Standby,
    /// This one does, as long as the term holds.
    Leading(Term),
}

impl Leadership {
    /// The term that this replica is in, which may have lapsed.
    pub(crate) fn term(&self) -> Option<&Term> {
        match self {
            Self::Leading(term) => Some(term),
            Self::Standby => None,
        }
    }
}

/// Where leadership is learned from. It wakes its readers when a term begins or ends; whoever
/// needs to know that one was extended asks the term.
pub(crate) type LeadershipReceiver = watch::Receiver<Leadership>;

/// A time in which this replica decides, from acquiring the lease to losing it. Clones are the same
/// term: each of them sees that it was extended.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    until: Arc<watch::Sender<Instant>>,
    ended: CancellationToken,
}

impl Term {
    pub(crate) fn new(until: Instant) -> Self {
        Self {
            until: Arc::new(watch::Sender::new(until)),
            ended: CancellationToken::new(),
        }
    }

    /// Whether the term goes on. Looks at the clock too, so that a process that was stopped for
    /// longer than its lease knows before its timers do. A term that has lapsed so may still be
    /// extended, if the renewal was under way.
    pub(crate) fn holds(&self, now: Instant) -> bool {
        !self.has_ended() && now < self.until()
    }

    /// Whether the term is over for good.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.is_cancelled()
    }

    /// Waits until the term is over for good.
    pub(crate) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Waits until a term that has lapsed is extended.
    pub(crate) async fn resumed(&self) {
        let mut until = self.until.subscribe();
        let goes_on = |until: &Instant| Instant::now() < *until;
        if until.wait_for(goes_on).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    pub(super) fn until(&self) -> Instant {
        *self.until.borrow()
    }

    pub(crate) fn extend(&self, until: Instant) {
        self.until.send_replace(until);
    }

    pub(super) fn end(&self) {
        self.ended.cancel();
    }
}
