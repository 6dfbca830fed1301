//! What every volume's task is given.

use std::fmt;
use std::sync::Arc;

use svid_client::issuer::IssuersReceiver;
use tokio::sync::watch;

use crate::clock::{Chance, Clock};
use crate::events::{EventReason, EventRecorder};
use crate::installation::Installation;
use crate::issuance::{ApiHealth, Requests};
use crate::metrics::Metrics;
use crate::trust::TrustState;
use crate::volume::Volumes;
use crate::wish::Wish;

/// What every volume's task is given. Nothing in it belongs to one volume.
pub struct Context {
    /// Mounts, files and records.
    pub volumes: Arc<dyn Volumes>,
    /// The API server.
    pub requests: Arc<dyn Requests>,
    /// Whether the API server answers.
    pub health: ApiHealth,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Jitter.
    pub chance: Arc<dyn Chance>,
    /// The trust bundle.
    pub trust: watch::Receiver<TrustState>,
    /// Which issuer to ask.
    pub issuer: IssuersReceiver,
    /// Events on the pod.
    pub events: Arc<dyn Report>,
    /// Counters.
    pub metrics: Metrics,
    /// Who we are, and what all requests have in common.
    pub settings: Arc<Installation>,
    /// What to do with a chain that the trust bundle does not anchor.
    pub anchoring: AnchoringPolicy,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// What to do with a chain that no authority of the trust bundle has signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnchoringPolicy {
    /// Publish it and say so in the log: the bundle may be about to change.
    Warn,
    /// Refuse it (`--require-anchored-chain`).
    Require,
}

/// Tells a pod's owner what they must act on. Never waits, never fails.
pub trait Report: Send + Sync + 'static {
    /// Reports on the pod of `wish`.
    fn report(&self, wish: &Wish, reason: EventReason, text: &str);
}

impl Report for EventRecorder {
    fn report(&self, wish: &Wish, reason: EventReason, text: &str) {
        self.record(wish, reason, text);
    }
}
