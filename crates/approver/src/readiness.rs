//! Whether the approver is ready to decide if it leads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A handle that says whether the approver's watches have synced once.
///
/// True on standbys too: a standby with warm watches is what a rollout waits for. Never turns false
/// again, because a watch that breaks later is retried and shows in the metrics; taking a replica
/// out of service would not fix it.
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
