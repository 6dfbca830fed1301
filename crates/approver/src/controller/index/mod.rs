//! The undecided requests: which wait, which are at work, which rest after a failure.
//!
//! Pure but for the clock that is handed in. Invariants: one request is never worked on twice at
//! once; what changes while it is worked on is looked at again afterwards; decided requests take
//! no room but a few bytes until the watch has caught up with them. Whatever comes to wait, be it
//! new, rested or interrupted, waits for its namespace's turn.
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

use svid_core::policy::IssuerReference;
use tokio::time::Instant;

use self::counts::Counts;
pub(crate) use self::entry::Wakes;
use self::entry::{Entry, State, is_newer};
use self::turns::Turns;
use super::candidate::Key;
use super::kept::{Kept, Reference};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Index {
    entries: HashMap<Key, Entry>,
    turns: Turns,
    resting: BTreeSet<(Instant, Key)>,
    listed: Option<HashSet<Key>>,
    counts: Counts,
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
    /// The term is over: as if it had never begun.
    Interrupted,
}

impl Index {
    /// Takes in a version of an undecided request that is ours.
    pub(crate) fn apply(&mut self, kept: Kept) {
        let key = kept.key().clone();
        self.note_listed(&key);
        let Some(entry) = self.entries.get_mut(&key) else {
            let place = self.turns.join(&key);
            let entry = Entry::new(kept, State::Queued { place });
            self.entries.insert(key, entry);
            return;
        };
        if entry.is_stale(&kept) {
            return;
        }
        let is_new = entry.differs(&kept);
        entry.see(kept);
        match &mut entry.state {
            State::Running { changed } => *changed = true,
            State::Resting {
                until,
                wakes: Wakes::OnChange,
            } if is_new => {
                self.resting.remove(&(*until, key.clone()));
                entry.failures = 0;
                self.queue(&key);
            }
            State::Queued { .. } | State::Resting { .. } => {}
            State::LeftAlone | State::Written { .. } => self.queue(&key),
        }
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
        self.counts.enter(&State::LeftAlone);
        self.entries.insert(key, Entry::new(kept, State::LeftAlone));
    }

    /// Takes in that there is nothing to decide about an object, or that it is gone.
    pub(crate) fn settle(&mut self, key: &Key) {
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
            .retain(|_, entry| !matches!(entry.state, State::Written { .. }));
        self.counts.written = 0;
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

    /// Hands out the next request that may be worked on now. It is then [`Index::finish`]ed, or
    /// comes to [`Index::rest`].
    pub(crate) fn take(&mut self) -> Option<Kept> {
        while let Some(key) = self.turns.take() {
            if let Some(entry) = self.entries.get_mut(&key)
                && let Some(kept) = &entry.kept
            {
                entry.state = State::Running { changed: false };
                return Some(kept.clone());
            }
            self.turns.finish(&key);
        }
        None
    }

    /// Takes back a request that was handed out.
    pub(crate) fn finish(&mut self, key: &Key, ending: Ending) {
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
                self.enter(key, State::LeftAlone);
            }
            Ending::Settled if !changed => drop(self.entries.remove(key)),
            Ending::Written { resource_version }
                if !changed || !is_newer(kept.resource_version(), &resource_version) =>
            {
                entry.kept = None;
                self.enter(key, State::Written { resource_version });
            }
            Ending::Interrupted | Ending::LeftAlone | Ending::Settled | Ending::Written { .. } => {
                self.queue(key);
            }
        }
    }

    /// Takes back a request that was handed out and on which work failed: it rests until then.
    pub(crate) fn rest(&mut self, key: &Key, until: Instant, wakes: Wakes) {
        let Some(changed) = self.give_back(key) else {
            return;
        };
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        if changed && wakes == Wakes::OnChange {
            entry.failures = 0;
            return self.queue(key);
        }
        entry.failures = entry.failures.saturating_add(1);
        self.resting.insert((until, key.clone()));
        self.enter(key, State::Resting { until, wakes });
    }

    /// How often in a row work on this request has failed.
    pub(crate) fn failures(&self, key: &Key) -> u32 {
        self.entries.get(key).map_or(0, |entry| entry.failures)
    }

    /// Whether a refusal of the version that is kept is to be reported, which it is once.
    pub(crate) fn reports(&mut self, key: &Key) -> bool {
        let Some(entry) = self.entries.get_mut(key) else {
            return true;
        };
        let version = entry.kept.as_ref().map(Kept::resource_version);
        let is_new = entry.reported.as_deref() != version;
        entry.reported = version.map(ToOwned::to_owned);
        is_new
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
            self.queue(&key);
        }
    }

    /// Queues what was left alone and is ours now, and marks what is at work: another issuer
    /// counts.
    pub(crate) fn reconsider(&mut self, issuer: Option<&IssuerReference>) {
        let mut ours = Vec::new();
        for (key, entry) in &mut self.entries {
            match &mut entry.state {
                State::LeftAlone => {
                    if let Some(Kept::Reference(reference)) = &entry.kept
                        && reference.is_ours(issuer)
                    {
                        ours.push(key.clone());
                    }
                }
                State::Running { changed } => *changed = true,
                State::Queued { .. } | State::Resting { .. } | State::Written { .. } => {}
            }
        }
        for key in ours {
            self.queue(&key);
        }
    }

    /// How many requests wait for our decision.
    pub(crate) fn pending(&self) -> usize {
        let Counts {
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

    /// How many requests are refused in whatever version they are.
    pub(crate) fn undecidable(&self) -> usize {
        self.counts.undecidable
    }

    fn note_listed(&mut self, key: &Key) {
        if let Some(listed) = &mut self.listed {
            listed.insert(key.clone());
        }
    }

    /// Whether a request that was handed out has changed; None if it was not, or there is nothing
    /// more to decide.
    fn give_back(&mut self, key: &Key) -> Option<bool> {
        let entry = self.entries.get(key)?;
        let State::Running { changed } = entry.state else {
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

    fn queue(&mut self, key: &Key) {
        if self.entries.contains_key(key) {
            let place = self.turns.join(key);
            self.enter(key, State::Queued { place });
        }
    }

    fn enter(&mut self, key: &Key, state: State) {
        if let Some(entry) = self.entries.get_mut(key) {
            self.counts.leave(&entry.state);
            self.counts.enter(&state);
            entry.state = state;
        }
    }

    /// Forgets a request, or marks it so if it is worked on.
    fn remove(&mut self, key: &Key) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        match &entry.state {
            State::Running { .. } => {
                entry.kept = None;
                return;
            }
            State::Resting { until, .. } => {
                let resting = (*until, key.clone());
                self.resting.remove(&resting);
            }
            State::Queued { place } => self.turns.leave(key, *place),
            State::LeftAlone | State::Written { .. } => {}
        }
        self.counts.leave(&entry.state);
        self.entries.remove(key);
    }
}

#[cfg(test)]
mod tests;
