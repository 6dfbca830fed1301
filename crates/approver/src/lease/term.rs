//! What the rest of the approver knows about the lease.

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

/// Reports leadership. It wakes its readers when a term begins or ends; the term itself shows
/// whether it was extended.
pub(crate) type LeadershipReceiver = watch::Receiver<Leadership>;

/// A period in which this replica decides, from acquiring the lease to losing it. Clones share the
/// term: each sees when it is extended.
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

    /// Whether the term is still in force. Also checks the clock, so that a process that was
    /// suspended for longer than its lease notices before its timers do. A term that has lapsed
    /// this way may still be extended if its renewal was in progress.
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
