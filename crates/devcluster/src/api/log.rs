//! The requests to the API server, so that a test can count.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// RBAC verb: `get list watch create update patch delete`.
    pub verb: &'static str,
    /// Plural of the resource type.
    pub resource: &'static str,
    pub subresource: Option<&'static str>,
    /// Namespace; `None` across all of them and for cluster-scoped types.
    pub namespace: Option<String>,
    /// Name, from the path, from `fieldSelector=metadata.name=`, or as created.
    pub name: Option<String>,
    /// The user that sent the request.
    pub user: String,
    /// HTTP code of the answer; `None` while there is none, and if it was lost.
    pub code: Option<u16>,
}

/// Every request that named a resource type, in the order of arrival. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct RequestLog {
    entries: Arc<Mutex<Vec<LogEntry>>>,
}

impl RequestLog {
    pub fn entries(&self) -> Vec<LogEntry> {
        self.lock().clone()
    }

    /// How many requests there were with this verb on this resource type, subresources not counted.
    pub fn count(&self, verb: &str, resource: &str) -> usize {
        self.count_where(|entry| {
            entry.verb == verb && entry.resource == resource && entry.subresource.is_none()
        })
    }

    /// How many requests there were of which this is true.
    pub fn count_where(&self, is: impl Fn(&LogEntry) -> bool) -> usize {
        self.lock().iter().filter(|entry| is(entry)).count()
    }

    /// Forgets what was asked so far.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Notes a request; the answer is noted through what this returns.
    pub(crate) fn note(&self, entry: LogEntry) -> Noted {
        let mut entries = self.lock();
        entries.push(entry.clone());
        Noted {
            log: self.clone(),
            index: entries.len() - 1,
            entry,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<LogEntry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that awaits its answer.
#[derive(Debug)]
pub(crate) struct Noted {
    log: RequestLog,
    index: usize,
    entry: LogEntry,
}

impl Noted {
    /// Notes the answer, and the name if the server chose it.
    pub(crate) fn answered(self, code: u16, name: Option<String>) {
        let mut entries = self.log.lock();
        // The log may have been cleared in between: then another request may stand there.
        if let Some(entry) = entries.get_mut(self.index).filter(|at| **at == self.entry) {
            entry.code = Some(code);
            entry.name = name.or_else(|| entry.name.take());
        }
    }
}
