//! The undecided requests: which wait, which are at work, which rest after a failure.
//!
//! Pure but for the clock that is handed in. Invariants: one request is never worked on twice at
//! once; what changes while it is worked on is looked at again afterwards; decided requests take
//! no room but a few bytes until the watch has caught up with them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use svid_core::policy::IssuerReference;
use tokio::time::Instant;

use super::candidate::Key;
use super::kept::{Kept, Reference};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Index {
    entries: HashMap<Key, Entry>,
    queue: Queue,
    resting: BTreeSet<(Instant, Key)>,
    listed: Option<HashSet<Key>>,
    left_alone: usize,
    written: usize,
}

#[derive(Debug)]
struct Entry {
    /// The newest version seen; None once there is nothing more to decide.
    kept: Option<Kept>,
    /// The object's own UID: the next one of the same name is another request.
    uid: String,
    state: State,
    /// Failures in a row.
    failures: u32,
}

impl Entry {
    fn new(kept: Kept, state: State) -> Self {
        Self {
            uid: kept.uid().to_owned(),
            kept: Some(kept),
            state,
            failures: 0,
        }
    }

    /// Whether this is what we have decided already: the watch lags behind.
    fn is_stale(&self, kept: &Kept) -> bool {
        matches!(&self.state, State::Written { resource_version }
            if kept.uid() == self.uid && !is_newer(kept.resource_version(), resource_version))
    }

    fn see(&mut self, kept: Kept) {
        kept.uid().clone_into(&mut self.uid);
        self.kept = Some(kept);
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// In the queue, at this place.
    Queued { place: u64 },
    /// Worked on; `changed` when it must be looked at again afterwards.
    Running { changed: bool },
    /// Failed, and tried again then.
    Resting { until: Instant },
    /// For another issuer than ours; no more of it is kept than a reference.
    LeftAlone,
    /// Decided by us, on this version; the watch still has to show it.
    Written { resource_version: String },
}

/// First come, first served; requests that leave in between take no room. So a standby, which never
/// takes anything, does not grow.
#[derive(Debug, Default)]
struct Queue {
    places: BTreeMap<u64, Key>,
    next: u64,
}

impl Queue {
    fn join(&mut self, key: Key) -> State {
        let place = self.next;
        self.next += 1;
        self.places.insert(place, key);
        State::Queued { place }
    }

    fn leave(&mut self, place: u64) {
        self.places.remove(&place);
    }

    fn leave_first(&mut self) -> Option<Key> {
        self.places.pop_first().map(|(_, key)| key)
    }
}

/// How work on a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The decision was written onto this version of the object.
    Written {
        /// `metadata.resourceVersion`.
        resource_version: String,
    },
    /// It names another issuer.
    LeftAlone,
    /// It is gone, or another approver decided.
    Settled,
    /// It failed and is to be tried again then.
    Failed {
        /// When to try again.
        until: Instant,
    },
    /// The lease was lost, or we are stopping: as if it had never begun.
    Interrupted,
}

impl Index {
    /// Takes in a version of an undecided request that is ours.
    pub(crate) fn apply(&mut self, kept: Kept) {
        let key = kept.key().clone();
        self.note_listed(&key);
        let Some(entry) = self.entries.get_mut(&key) else {
            let state = self.queue.join(key.clone());
            self.entries.insert(key, Entry::new(kept, state));
            return;
        };
        if entry.is_stale(&kept) {
            return;
        }
        match &mut entry.state {
            State::Running { changed } => *changed = true,
            State::Queued { .. } | State::Resting { .. } => {}
            State::LeftAlone | State::Written { .. } => {
                Self::tally(&mut self.left_alone, &mut self.written, &entry.state, false);
                entry.state = self.queue.join(key);
            }
        }
        entry.see(kept);
    }

    /// Takes in a version of an undecided request for another issuer.
    pub(crate) fn leave_alone(&mut self, reference: Reference) {
        let key = reference.key.clone();
        self.note_listed(&key);
        let kept = Kept::Reference(reference);
        if let Some(entry) = self.entries.get_mut(&key) {
            if entry.is_stale(&kept) {
                return;
            }
            if let State::Running { changed } = &mut entry.state {
                *changed = true;
                entry.see(kept);
                return;
            }
        }
        self.remove(&key);
        self.left_alone += 1;
        self.entries.insert(key, Entry::new(kept, State::LeftAlone));
    }

    /// Takes in that there is nothing to decide about an object, or that it is gone.
    pub(crate) fn settle(&mut self, key: &Key) {
        self.note_listed(key);
        self.remove(key);
    }

    /// Begins a list of all objects that there are.
    pub(crate) fn begin_list(&mut self) {
        self.listed = Some(HashSet::new());
    }

    /// Ends the list: what was not in it is gone.
    pub(crate) fn end_list(&mut self) {
        let Some(listed) = self.listed.take() else {
            return;
        };
        let gone: Vec<Key> = self
            .entries
            .keys()
            .filter(|key| !listed.contains(*key))
            .cloned()
            .collect();
        for key in gone {
            self.remove(&key);
        }
    }

    /// Hands out the next request to work on, which is then [`Index::finish`]ed.
    pub(crate) fn take(&mut self) -> Option<Kept> {
        while let Some(key) = self.queue.leave_first() {
            if let Some(entry) = self.entries.get_mut(&key)
                && let Some(kept) = &entry.kept
            {
                entry.state = State::Running { changed: false };
                return Some(kept.clone());
            }
        }
        None
    }

    /// Takes back a request that was handed out.
    pub(crate) fn finish(&mut self, key: &Key, ending: Ending) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        let State::Running { changed } = entry.state else {
            return;
        };
        let Some(kept) = &entry.kept else {
            self.entries.remove(key);
            return;
        };
        if !matches!(ending, Ending::Failed { .. }) {
            entry.failures = 0;
        }
        entry.state = match ending {
            Ending::Interrupted => self.queue.join(key.clone()),
            Ending::LeftAlone if !changed => {
                entry.kept = Some(Kept::Reference(kept.reference()));
                State::LeftAlone
            }
            Ending::LeftAlone => self.queue.join(key.clone()),
            Ending::Settled if !changed => {
                self.entries.remove(key);
                return;
            }
            Ending::Settled => self.queue.join(key.clone()),
            Ending::Written { resource_version }
                if changed && is_newer(kept.resource_version(), &resource_version) =>
            {
                self.queue.join(key.clone())
            }
            Ending::Written { resource_version } => {
                entry.kept = None;
                State::Written { resource_version }
            }
            Ending::Failed { until } => {
                entry.failures = entry.failures.saturating_add(1);
                State::Resting { until }
            }
        };
        if let State::Resting { until } = &entry.state {
            self.resting.insert((*until, key.clone()));
        }
        Self::tally(&mut self.left_alone, &mut self.written, &entry.state, true);
    }

    /// How often in a row work on this request has failed.
    pub(crate) fn failures(&self, key: &Key) -> u32 {
        self.entries.get(key).map_or(0, |entry| entry.failures)
    }

    /// When the next request has rested enough.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.resting.first().map(|(until, _)| *until)
    }

    /// Queues what has rested enough.
    pub(crate) fn wake(&mut self, now: Instant) {
        while let Some((until, key)) = self.resting.pop_first() {
            if until > now {
                self.resting.insert((until, key));
                return;
            }
            if let Some(entry) = self.entries.get_mut(&key)
                && entry.state == (State::Resting { until })
            {
                entry.state = self.queue.join(key);
            }
        }
    }

    /// Queues what was left alone and is ours now, and marks what is at work: another issuer
    /// counts.
    pub(crate) fn reconsider(&mut self, issuer: Option<&IssuerReference>) {
        for (key, entry) in &mut self.entries {
            match &mut entry.state {
                State::LeftAlone => {
                    if let Some(Kept::Reference(reference)) = &entry.kept
                        && reference.is_ours(issuer)
                    {
                        self.left_alone = self.left_alone.saturating_sub(1);
                        entry.state = self.queue.join(key.clone());
                    }
                }
                State::Running { changed } => *changed = true,
                State::Queued { .. } | State::Resting { .. } | State::Written { .. } => {}
            }
        }
    }

    /// How many requests wait for our decision.
    pub(crate) fn pending(&self) -> usize {
        self.entries
            .len()
            .saturating_sub(self.left_alone + self.written)
    }

    /// How many undecided requests name another issuer.
    pub(crate) fn left_alone(&self) -> usize {
        self.left_alone
    }

    fn note_listed(&mut self, key: &Key) {
        if let Some(listed) = &mut self.listed {
            listed.insert(key.clone());
        }
    }

    /// Forgets a request, or marks it so if it is worked on.
    fn remove(&mut self, key: &Key) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        match &entry.state {
            State::Running { .. } => entry.kept = None,
            State::Resting { until } => {
                let resting = (*until, key.clone());
                self.resting.remove(&resting);
                self.entries.remove(key);
            }
            State::LeftAlone | State::Written { .. } => {
                Self::tally(&mut self.left_alone, &mut self.written, &entry.state, false);
                self.entries.remove(key);
            }
            State::Queued { place } => {
                self.queue.leave(*place);
                self.entries.remove(key);
            }
        }
    }

    fn tally(left_alone: &mut usize, written: &mut usize, state: &State, enters: bool) {
        let count = match state {
            State::LeftAlone => left_alone,
            State::Written { .. } => written,
            State::Queued { .. } | State::Running { .. } | State::Resting { .. } => return,
        };
        *count = if enters {
            *count + 1
        } else {
            count.saturating_sub(1)
        };
    }
}

/// Whether one resourceVersion is newer than another. They are numbers (comparable by contract
/// since Kubernetes 1.35); any that is not is taken for older, so that nothing is decided twice
/// on its account.
fn is_newer(version: &str, than: &str) -> bool {
    match (version.parse::<u128>(), than.parse::<u128>()) {
        (Ok(version), Ok(than)) => version > than,
        (Err(_), _) | (_, Err(_)) => false,
    }
}

#[cfg(test)]
mod tests;
