//! The undecided requests: which are queued, which are being worked on, which back off after a
//! failure.
//!
//! Pure, except for the clock that is passed in. Invariants: a request is never worked on twice at
//! the same time; one that changes while being worked on is reconsidered afterwards; decided
//! requests occupy only a few bytes until the watch has caught up with them. Every queued request,
//! whether new, retried or interrupted, waits for its namespace's turn.
//!
//! | file | job |
//! | --- | --- |
//! | `turns` | whose turn it is |
//! | `entry` | one request and where it stands |
//! | `counts` | how many are in which state |

mod counts;
mod entry;
mod turns;

use std::collections::{BTreeSet, HashMap, HashSet};

use svid_client::watch::is_newer;
use svid_core::policy::IssuerReference;
use tokio::time::Instant;

use self::counts::StateCounts;
pub(crate) use self::entry::RetryTrigger;
use self::entry::{IndexEntry, RequestState};
use self::turns::FairQueue;
use super::candidate::NamespacedName;
use super::kept::{Kept, RequestReference};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Index {
    entries: HashMap<NamespacedName, IndexEntry>,
    turns: FairQueue,
    resting: BTreeSet<(Instant, NamespacedName)>,
    listed: Option<HashSet<NamespacedName>>,
    counts: StateCounts,
}

/// How work on a request ended, if it did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The decision was written onto this version of the object.
    Written {
        /// `metadata.resourceVersion`.
        resource_version: String,
    },
    /// It names another issuer, or the issuers are not known.
    LeftAlone,
    /// It is gone, or another approver decided.
    Settled,
    /// The term is over: treated as if work had never begun.
    Interrupted,
}

impl Index {
    /// Applies a version of an undecided request that is ours.
    pub(crate) fn apply(&mut self, kept: Kept) {
        let key = kept.key().clone();
        self.note_listed(&key);
        let Some(entry) = self.entries.get_mut(&key) else {
            let place = self.turns.join(&key);
            let entry = IndexEntry::new(kept, RequestState::Queued { place });
            self.entries.insert(key, entry);
            return;
        };
        if entry.is_stale(&kept) {
            return;
        }
        let is_new = entry.differs(&kept);
        entry.see(kept);
        match &mut entry.state {
            RequestState::Running { changed } => *changed = true,
            RequestState::Resting {
                until,
                wakes: RetryTrigger::OnChange,
            } if is_new => {
                self.resting.remove(&(*until, key.clone()));
                entry.failures = 0;
                self.queue(&key);
            }
            RequestState::Queued { .. } | RequestState::Resting { .. } => {}
            RequestState::LeftAlone | RequestState::Written { .. } => self.queue(&key),
        }
    }

    /// Applies a version of an undecided request for another issuer.
    pub(crate) fn leave_alone(&mut self, reference: RequestReference) {
        let key = reference.key.clone();
        self.note_listed(&key);
        let kept = Kept::Reference(reference);
        if let Some(entry) = self.entries.get_mut(&key) {
            if entry.is_stale(&kept) {
                return;
            }
            if let RequestState::Running { changed } = &mut entry.state {
                *changed = true;
                entry.see(kept);
                return;
            }
        }
        self.remove(&key);
        self.counts.enter(&RequestState::LeftAlone);
        self.entries
            .insert(key, IndexEntry::new(kept, RequestState::LeftAlone));
    }

    /// Notes that there is nothing to decide about an object, or that it is gone.
    pub(crate) fn settle(&mut self, key: &NamespacedName) {
        self.note_listed(key);
        self.remove(key);
    }

    /// Begins a list of all objects that there are.
    ///
    /// What was written before is forgotten: the list shows the decision, or else the store was set
    /// back to before it, and whatever version the list shows then is to be decided on.
    pub(crate) fn begin_list(&mut self) {
        self.listed = Some(HashSet::new());
        self.entries
            .retain(|_, entry| !matches!(entry.state, RequestState::Written { .. }));
        self.counts.written = 0;
    }

    /// Ends the list: what was not in it is gone.
    pub(crate) fn end_list(&mut self) {
        let Some(listed) = self.listed.take() else {
            return;
        };
        let gone: Vec<NamespacedName> = self
            .entries
            .keys()
            .filter(|key| !listed.contains(*key))
            .cloned()
            .collect();
        for key in gone {
            self.remove(&key);
        }
    }

    /// Hands out the next request that may be worked on now. It is then [`Index::finish`]ed, or
    /// comes to [`Index::rest`].
    pub(crate) fn take(&mut self) -> Option<Kept> {
        while let Some(key) = self.turns.take() {
            if let Some(entry) = self.entries.get_mut(&key)
                && let Some(kept) = &entry.kept
            {
                entry.state = RequestState::Running { changed: false };
                return Some(kept.clone());
            }
            self.turns.finish(&key);
        }
        None
    }

    /// Takes back a request that was handed out.
    pub(crate) fn finish(&mut self, key: &NamespacedName, ending: Ending) {
        let Some(changed) = self.give_back(key) else {
            return;
        };
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        let Some(kept) = &entry.kept else {
            return;
        };
        entry.failures = 0;
        match ending {
            Ending::LeftAlone if !changed => {
                entry.kept = Some(Kept::Reference(kept.reference()));
                self.enter(key, RequestState::LeftAlone);
            }
            Ending::Settled if !changed => drop(self.entries.remove(key)),
            Ending::Written { resource_version }
                if !changed || !is_newer(kept.resource_version(), &resource_version) =>
            {
                entry.kept = None;
                self.enter(key, RequestState::Written { resource_version });
            }
            Ending::Interrupted | Ending::LeftAlone | Ending::Settled | Ending::Written { .. } => {
                self.queue(key);
            }
        }
    }

    /// Takes back a request that was handed out and on which work failed: it rests until then.
    pub(crate) fn rest(&mut self, key: &NamespacedName, until: Instant, wakes: RetryTrigger) {
        let Some(changed) = self.give_back(key) else {
            return;
        };
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        if changed && wakes == RetryTrigger::OnChange {
            entry.failures = 0;
            return self.queue(key);
        }
        entry.failures = entry.failures.saturating_add(1);
        self.resting.insert((until, key.clone()));
        self.enter(key, RequestState::Resting { until, wakes });
    }

    /// How many times in a row work on this request has failed.
    pub(crate) fn failures(&self, key: &NamespacedName) -> u32 {
        self.entries.get(key).map_or(0, |entry| entry.failures)
    }

    /// Whether a refusal of the version that is kept is to be reported, which it is once.
    pub(crate) fn reports(&mut self, key: &NamespacedName) -> bool {
        let Some(entry) = self.entries.get_mut(key) else {
            return true;
        };
        let version = entry.kept.as_ref().map(Kept::resource_version);
        let is_new = entry.reported.as_deref() != version;
        entry.reported = version.map(ToOwned::to_owned);
        is_new
    }

    /// When the next backoff ends.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.resting.first().map(|(until, _)| *until)
    }

    /// Queues the requests whose backoff has ended.
    pub(crate) fn wake(&mut self, now: Instant) {
        while let Some((until, key)) = self.resting.pop_first() {
            if until > now {
                self.resting.insert((until, key));
                return;
            }
            self.queue(&key);
        }
    }

    /// Called when the issuer changes: queues requests that were left alone and are ours now, and
    /// marks those being worked on.
    pub(crate) fn reconsider(&mut self, issuer: Option<&IssuerReference>) {
        let mut ours = Vec::new();
        for (key, entry) in &mut self.entries {
            match &mut entry.state {
                RequestState::LeftAlone => {
                    if let Some(Kept::Reference(reference)) = &entry.kept
                        && reference.is_ours(issuer)
                    {
                        ours.push(key.clone());
                    }
                }
                RequestState::Running { changed } => *changed = true,
                RequestState::Queued { .. }
                | RequestState::Resting { .. }
                | RequestState::Written { .. } => {}
            }
        }
        for key in ours {
            self.queue(&key);
        }
    }

    /// How many requests wait for our decision.
    pub(crate) fn pending(&self) -> usize {
        let StateCounts {
            left_alone,
            undecidable,
            written,
        } = self.counts;
        self.entries
            .len()
            .saturating_sub(left_alone + undecidable + written)
    }

    /// How many undecided requests name another issuer.
    pub(crate) fn left_alone(&self) -> usize {
        self.counts.left_alone
    }

    /// How many requests the API server refuses to have decided, whatever their version.
    pub(crate) fn undecidable(&self) -> usize {
        self.counts.undecidable
    }

    fn note_listed(&mut self, key: &NamespacedName) {
        if let Some(listed) = &mut self.listed {
            listed.insert(key.clone());
        }
    }

    /// Whether a request that was handed out has changed; None if it was not, or there is nothing
    /// more to decide.
    fn give_back(&mut self, key: &NamespacedName) -> Option<bool> {
        let entry = self.entries.get(key)?;
        let RequestState::Running { changed } = entry.state else {
            return None;
        };
        let is_kept = entry.kept.is_some();
        self.turns.finish(key);
        if !is_kept {
            self.entries.remove(key);
            return None;
        }
        Some(changed)
    }

    fn queue(&mut self, key: &NamespacedName) {
        if self.entries.contains_key(key) {
            let place = self.turns.join(key);
            self.enter(key, RequestState::Queued { place });
        }
    }

    fn enter(&mut self, key: &NamespacedName, state: RequestState) {
        if let Some(entry) = self.entries.get_mut(key) {
            self.counts.leave(&entry.state);
            self.counts.enter(&state);
            entry.state = state;
        }
    }

    /// Forgets a request, or marks it so if it is worked on.
    fn remove(&mut self, key: &NamespacedName) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        match &entry.state {
            RequestState::Running { .. } => {
                entry.kept = None;
                return;
            }
            RequestState::Resting { until, .. } => {
                let resting = (*until, key.clone());
                self.resting.remove(&resting);
            }
            RequestState::Queued { place } => self.turns.leave(key, *place),
            RequestState::LeftAlone | RequestState::Written { .. } => {}
        }
        self.counts.leave(&entry.state);
        self.entries.remove(key);
    }
}

#[cfg(test)]
mod tests;
