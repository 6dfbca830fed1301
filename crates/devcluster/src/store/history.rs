//! The changes of the recent past, from which a watch is replayed.

use std::collections::VecDeque;

use super::{Key, Object};

#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The revision that this change made.
    pub(crate) revision: u64,
    pub(crate) key: Key,
    /// What it was before; `None` for a new object.
    pub(crate) before: Option<Object>,
    /// What it is now; `None` once removed.
    pub(crate) now: Option<Object>,
}

/// A bounded run of consecutive changes, oldest first.
#[derive(Debug)]
pub(super) struct History {
    changes: VecDeque<Change>,
    limit: usize,
    /// The newest revision whose change is no longer held.
    compacted: u64,
}

impl History {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            changes: VecDeque::new(),
            limit,
            compacted: 0,
        }
    }

    pub(super) fn push(&mut self, change: Change) {
        self.changes.push_back(change);
        while self.changes.len() > self.limit {
            if let Some(dropped) = self.changes.pop_front() {
                self.compacted = dropped.revision;
            }
        }
    }

    /// Takes out the newest change, if it is newer than this revision.
    pub(super) fn pop_after(&mut self, revision: u64) -> Option<Change> {
        self.changes
            .pop_back_if(|change| change.revision > revision)
    }

    /// Forgets everything up to this revision.
    pub(super) fn compact(&mut self, revision: u64) {
        self.changes.retain(|change| change.revision > revision);
        self.compacted = self.compacted.max(revision);
    }

    /// Every change after this revision, or the oldest revision to watch from if some are gone.
    pub(super) fn after(&self, revision: u64) -> Result<impl Iterator<Item = &Change>, u64> {
        if revision < self.compacted {
            return Err(self.compacted);
        }
        Ok(self
            .changes
            .iter()
            .skip_while(move |change| change.revision <= revision))
    }
}
