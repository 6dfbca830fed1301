//! Remembers which objects were checked, so that each is judged and counted once.
//!
//! Keeps eight bytes per object instead of its UID: a hash with secret keys, so that nobody can
//! create two objects with the same hash. Among a hundred thousand objects the probability of any
//! collision is below one in a billion.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Memory {
    marks: RandomState,
    known: HashSet<u64>,
    list: Option<PendingList>,
}

/// A list that is being read.
#[derive(Debug, Default)]
struct PendingList {
    /// Known before, and in it.
    seen: HashSet<u64>,
    /// New, and known once the list is complete.
    found: HashSet<u64>,
}

impl Memory {
    /// Whether this object was checked before; within a list, notes that it still exists.
    pub(super) fn knows(&mut self, uid: &str) -> bool {
        let mark = self.marks.hash_one(uid);
        let is_known = self.known.contains(&mark);
        match &mut self.list {
            Some(list) if is_known => {
                list.seen.insert(mark);
                true
            }
            Some(list) => list.found.contains(&mark),
            None => is_known,
        }
    }

    /// This object was looked at.
    pub(super) fn remember(&mut self, uid: &str) {
        let mark = self.marks.hash_one(uid);
        if self.known.len() >= MOST_KNOWN {
            return;
        }
        self.known.insert(mark);
        if let Some(list) = &mut self.list {
            list.seen.insert(mark);
        }
    }

    /// Notes that this object was checked, effective once the list is complete.
    pub(super) fn await_end_of_list(&mut self, uid: &str) {
        let mark = self.marks.hash_one(uid);
        if let Some(list) = &mut self.list
            && list.found.len() < MOST_KNOWN
        {
            list.found.insert(mark);
        }
    }

    /// This object is gone.
    pub(super) fn forget(&mut self, uid: &str) {
        self.known.remove(&self.marks.hash_one(uid));
    }

    pub(super) fn begin_list(&mut self) {
        self.list = Some(PendingList::default());
    }

    /// Keeps what was in the list.
    pub(super) fn end_list(&mut self) {
        if let Some(PendingList { seen, found }) = self.list.take() {
            self.known = seen;
            self.known.extend(found);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }
}

/// Further objects are judged, and counted if necessary, again at each of their events. This many
/// take 4 MiB, and 8 while a list is read.
const MOST_KNOWN: usize = 200_000;
