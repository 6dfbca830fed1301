//! Whether the approver is ready to decide once it leads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A handle that says whether the approver's watches have synced once.
///
/// Also true on standbys: a standby with synced watches is what a rollout waits for. Never becomes
/// false again, because a watch that fails later is retried and visible in the metrics; taking a
/// replica out of service would not fix it.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    synced: Arc<AtomicBool>,
}

impl Readiness {
    /// Says whether the requests and, if one is configured, the issuer's `ConfigMap` were read.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.synced.load(Ordering::Relaxed)
    }

    pub(crate) fn set_synced(&self) {
        self.synced.store(true, Ordering::Relaxed);
    }
}
