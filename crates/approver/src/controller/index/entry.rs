//! What is known of one undecided request, and its state.

use svid_client::watch::is_newer;
use tokio::time::Instant;

use super::Kept;

/// One request of the index.
#[derive(Debug)]
pub(super) struct IndexEntry {
    /// The newest version seen; None once there is nothing more to decide.
    pub(super) kept: Option<Kept>,
    /// The object's own UID: the next one of the same name is another request.
    pub(super) uid: String,
    pub(super) state: RequestState,
    /// Failures in a row.
    pub(super) failures: u32,
    /// The version about which a refusal was reported.
    pub(super) reported: Option<String>,
}

/// The state of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RequestState {
    /// In its namespace's queue, at this position.
    Queued { place: u64 },
    /// Being worked on; `changed` if it must be reconsidered afterwards.
    Running { changed: bool },
    /// Failed; retried at this time or, if that helps, when it changes.
    Resting { until: Instant, wakes: RetryTrigger },
    /// For another issuer than ours; no more of it is kept than a reference.
    LeftAlone,
    /// Decided by us, on this version; the watch still has to show it.
    Written { resource_version: String },
}

/// What ends a wait early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetryTrigger {
    /// Nothing: what failed has nothing to do with the request.
    OnTime,
    /// A newer version of the object: this one is refused each time.
    OnChange,
}

impl IndexEntry {
    pub(super) fn new(kept: Kept, state: RequestState) -> Self {
        Self {
            uid: kept.uid().to_owned(),
            kept: Some(kept),
            state,
            failures: 0,
            reported: None,
        }
    }

    /// Whether this is what we have decided already: the watch lags behind.
    pub(super) fn is_stale(&self, kept: &Kept) -> bool {
        matches!(&self.state, RequestState::Written { resource_version }
            if kept.uid() == self.uid && !is_newer(kept.resource_version(), resource_version))
    }

    /// Whether this is another version than the one that is kept.
    pub(super) fn differs(&self, kept: &Kept) -> bool {
        self.kept.as_ref().is_none_or(|known| {
            (known.uid(), known.resource_version()) != (kept.uid(), kept.resource_version())
        })
    }

    pub(super) fn see(&mut self, kept: Kept) {
        kept.uid().clone_into(&mut self.uid);
        self.kept = Some(kept);
    }
}
