//! What happened to the requests, for tests that last too long to keep all of it.

use super::{Entry, FakeRequests, State, Verb};

/// What happened since it was asked for the last time.
pub(in super::super::super) struct History {
    pub(in super::super::super) happened: Vec<Happened>,
    /// How many creates were sent, whatever became of them.
    pub(in super::super::super) creates: usize,
}

/// What became of a request, by its name.
pub(in super::super::super) enum Happened {
    /// It was accepted.
    Asked(String),
    /// Approver or issuer wrote an answer, which may be a certificate.
    Answered(String),
    Deleted(String),
}

impl FakeRequests {
    /// Says what happened since the last call of this, and forgets what was told by that call: a
    /// watch from before it is refused, as one from a version that was compacted.
    pub(in super::super::super) fn history(&self) -> History {
        let mut state = self.state();
        let old = state.told - state.forgotten;
        let happened = state.entries.get(old..).unwrap_or_default();
        let happened = happened.iter().filter_map(happening).collect();
        state.entries.drain(..old);
        state.forgotten = state.told;
        state.told = state.version();
        state.sent.clear();
        state.tokens.clear();
        let calls = std::mem::take(&mut state.calls);
        let creates = calls.iter().filter(|(verb, _, _)| *verb == Verb::Create);
        History {
            happened,
            creates: creates.count(),
        }
    }
}

impl State {
    pub(super) fn version(&self) -> usize {
        self.forgotten + self.entries.len()
    }
}

fn happening(entry: &Entry) -> Option<Happened> {
    match entry {
        Entry::Applied(name, object) if object.status.is_none() => {
            Some(Happened::Asked(name.clone()))
        }
        Entry::Applied(name, _) => Some(Happened::Answered(name.clone())),
        Entry::Deleted(name, _) => Some(Happened::Deleted(name.clone())),
        Entry::End(_) => None,
    }
}
