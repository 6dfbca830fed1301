//! What is known of one undecided request, and where it stands.

use tokio::time::Instant;

use super::Kept;

/// One request of the index.
#[derive(Debug)]
pub(super) struct Entry {
    /// The newest version seen; None once there is nothing more to decide.
    pub(super) kept: Option<Kept>,
    /// The object's own UID: the next one of the same name is another request.
    pub(super) uid: String,
    pub(super) state: State,
    /// Failures in a row.
    pub(super) failures: u32,
    /// The version about which a refusal was reported.
    pub(super) reported: Option<String>,
}

/// Where a request stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// In its namespace's line, at this place.
    Queued { place: u64 },
    /// Worked on; `changed` when it must be looked at again afterwards.
    Running { changed: bool },
    /// Failed, and tried again then, or, if that helps, when it changes.
    Resting { until: Instant, wakes: Wakes },
    /// For another issuer than ours; no more of it is kept than a reference.
    LeftAlone,
    /// Decided by us, on this version; the watch still has to show it.
    Written { resource_version: String },
}

/// What ends a rest before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wakes {
    /// Nothing: what failed has nothing to do with the request.
    OnTime,
    /// A newer version of the object: this one is refused each time.
    OnChange,
}

impl Entry {
    pub(super) fn new(kept: Kept, state: State) -> Self {
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
        matches!(&self.state, State::Written { resource_version }
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

/// Whether one resourceVersion is newer than another. They are numbers (comparable by contract
/// since Kubernetes 1.35); any that is not is taken for older, so that nothing is decided twice
/// on its account.
pub(super) fn is_newer(version: &str, than: &str) -> bool {
    match (version.parse::<u128>(), than.parse::<u128>()) {
        (Ok(version), Ok(than)) => version > than,
        (Err(_), _) | (_, Err(_)) => false,
    }
}
