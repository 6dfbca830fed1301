//! What every volume's task is given, and what the code that works on one volume shares.

use std::fmt;
use std::future::pending;
use std::sync::Arc;

use svid_client::issuer::IssuersReceiver;
use tokio::sync::watch;

use super::pods::VolumesPerPod;
use super::status::StatusWriter;
use super::turns::CreateQueue;
use super::writer::Writer;
use crate::events::{EventReason, EventRecorder};
use crate::installation::Installation;
use crate::issuance::{ApiHealth, Requests};
use crate::metrics::Metrics;
use crate::spec::VolumeSpec;
use crate::trust::TrustState;
use crate::volume::Volumes;
use svid_client::clock::Clock;

/// What every volume's task is given. Nothing in it belongs to one volume.
pub struct Context {
    /// Mounts, files and records.
    pub volumes: Arc<dyn Volumes>,
    /// The API server.
    pub requests: Arc<dyn Requests>,
    /// Whose create is sent next.
    pub turns: CreateQueue,
    /// Whether the API server answers.
    pub health: ApiHealth,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// The source of jitter.
    pub chance: fn() -> f64,
    /// The trust bundle.
    pub trust: watch::Receiver<TrustState>,
    /// The issuer to request from.
    pub issuer: IssuersReceiver,
    /// Events on the pod.
    pub events: Arc<dyn EventSink>,
    /// Counters.
    pub metrics: Metrics,
    /// Who we are, and what all requests have in common.
    pub settings: Arc<Installation>,
    /// What to do with a chain that the trust bundle does not anchor.
    pub anchoring: AnchoringPolicy,
    /// How many volumes a pod may begin.
    pub volumes_per_pod: VolumesPerPod,
    /// What to do with a certificate without key usage.
    pub key_usage: KeyUsagePolicy,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// One volume: what is wanted, and the only ways to its files, its record and its status. Cheap to
/// clone.
#[derive(Clone)]
pub(super) struct Volume {
    pub(super) context: Arc<Context>,
    pub(super) spec: Arc<VolumeSpec>,
    pub(super) writer: Writer,
    pub(super) status: StatusWriter,
}

impl Volume {
    pub(super) fn namespace(&self) -> &str {
        self.spec.service_account.namespace()
    }

    /// A request of this volume, for texts.
    pub(super) fn request(&self, name: &str) -> String {
        format!("the CertificateRequest {}/{name}", self.namespace())
    }
}

/// What to do with a certificate without key usage, which SPIFFE demands and most of its libraries
/// insist on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUsagePolicy {
    /// Publish it and say so: the workload may use another library.
    Warn,
    /// Refuse it (`--require-key-usage`).
    Require,
}

/// What to do with a chain that no authority of the trust bundle has signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnchoringPolicy {
    /// Publish it and say so: the bundle may be about to change.
    Warn,
    /// Refuse it (`--require-anchored-chain`).
    Require,
}

/// Takes what a pod's owner must act on. Never waits, never fails.
pub trait EventSink: Send + Sync + 'static {
    /// Reports on the pod of `spec`.
    fn report(&self, spec: &VolumeSpec, reason: EventReason, text: &str);
}

impl EventSink for EventRecorder {
    fn report(&self, spec: &VolumeSpec, reason: EventReason, text: &str) {
        self.record(spec, reason, text);
    }
}

/// Waits for a change of a watched value; forever if there can be no more changes.
pub(super) async fn changed<T: Send + Sync>(receiver: &mut watch::Receiver<T>) {
    if receiver.changed().await.is_err() {
        pending::<()>().await;
    }
}
