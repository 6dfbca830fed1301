//! Events on a Pod about problems that somebody must act on.
//!
//! Owns the rate limits. A Pod that waits for its volume shows little else, so the reason belongs
//! there; but an outage must not become a flood of Events. Knows nothing of volumes or issuance:
//! the caller that knows the reason reports it. Invariant: reporting never waits and never fails;
//! what cannot be sent is dropped and counted. Texts come from errors, which hold no secrets.

mod limits;
#[cfg(test)]
mod tests;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use svid_client::ApiClient;
use tokio::sync::mpsc;

use crate::installation::Installation;
use crate::spec::VolumeSpec;
use svid_client::clock::Clock;

pub use writer::EventWriter;

/// What happened, as the reason of an Event. A closed set, since people filter and alert by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventReason {
    /// The approver denied the request.
    Denied,
    /// The request may not be created: permissions are missing.
    Forbidden,
    /// The issuer gave up on the request.
    Failed,
    /// No issuer is named, or it is not known yet which one is.
    NoIssuer,
    /// The request waits for approval or for the issuer; the text says for what.
    Pending,
    /// Nobody decided the request in time.
    TimedOut,
    /// What the issuer returned is not a certificate for this pod.
    BadCertificate,
    /// The certificate is shown, and does not lead to the trust bundle.
    NotAnchored,
    /// The certificate is shown, and has no key usage.
    NoKeyUsage,
    /// The certificate is shown, and an authority above it ends before it does.
    AuthorityEnds,
    /// There is no trust bundle to show.
    NoTrustBundle,
    /// The files could not be shown to the pod.
    NotMounted,
}

impl EventReason {
    /// The reason as the Event has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "CertificateRequestDenied",
            Self::Forbidden => "CertificateRequestForbidden",
            Self::Failed => "CertificateRequestFailed",
            Self::NoIssuer => "CertificateIssuerUnknown",
            Self::Pending => "CertificateRequestPending",
            Self::TimedOut => "CertificateRequestTimedOut",
            Self::BadCertificate => "CertificateRefused",
            Self::NotAnchored => "CertificateNotAnchored",
            Self::NoKeyUsage => "CertificateWithoutKeyUsage",
            Self::AuthorityEnds => "CertificateAuthorityEnds",
            Self::NoTrustBundle => "TrustBundleUnavailable",
            Self::NotMounted => "CertificateNotMounted",
        }
    }
}

/// Reports what happened to a volume. Cheap to clone.
#[derive(Clone, Debug)]
pub struct EventRecorder {
    queue: mpsc::Sender<QueuedEvent>,
    counts: EventCounts,
}

impl EventRecorder {
    /// A recorder, and the writer that sends what it records.
    ///
    /// `client` has the driver's own credentials and needs the verb create on events
    /// (events.k8s.io) in every namespace. `installation` says who reports.
    pub fn new(
        client: ApiClient,
        clock: Arc<dyn Clock>,
        installation: Arc<Installation>,
    ) -> (Self, EventWriter) {
        let (queue, reports) = mpsc::channel(QUEUE);
        let counts = EventCounts::default();
        let writer = EventWriter::new(client, clock, installation, reports, counts.clone());
        (Self { queue, counts }, writer)
    }

    /// Reports on the pod of `spec`. Returns at once; the same reason is sent for a pod at most
    /// once in five minutes, whatever the text.
    pub fn record(&self, spec: &VolumeSpec, reason: EventReason, text: impl Into<String>) {
        let report = QueuedEvent {
            namespace: spec.service_account.namespace().to_owned(),
            pod_name: spec.pod.name.clone(),
            pod_uid: spec.pod.uid.clone(),
            reason,
            text: text.into(),
        };
        if self.queue.try_send(report).is_err() {
            self.counts.drop_one();
        }
    }

    /// How many Events were sent and dropped.
    pub fn counts(&self) -> EventCounts {
        self.counts.clone()
    }
}

/// How many Events were sent, and how many were not. Cheap to clone; read at scrape.
#[derive(Clone, Debug, Default)]
pub struct EventCounts(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    sent: AtomicU64,
    repeated: AtomicU64,
    dropped: AtomicU64,
}

impl EventCounts {
    /// Events that the API server accepted.
    pub fn sent(&self) -> u64 {
        self.0.sent.load(Ordering::Relaxed)
    }

    /// Reports that repeated one made for the same pod less than five minutes before.
    pub fn repeated(&self) -> u64 {
        self.0.repeated.load(Ordering::Relaxed)
    }

    /// Reports that were lost: too many at once, or the API server did not accept them.
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    fn send_one(&self) {
        self.0.sent.fetch_add(1, Ordering::Relaxed);
    }

    fn repeat_one(&self) {
        self.0.repeated.fetch_add(1, Ordering::Relaxed);
    }

    fn drop_one(&self) {
        self.0.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

/// One report.
#[derive(Debug)]
struct QueuedEvent {
    namespace: String,
    pod_name: String,
    pod_uid: String,
    reason: EventReason,
    text: String,
}

/// Reports waiting to be sent: one for each pod that a node can have. If there are more at once,
/// something is wrong with the node and not with its pods.
const QUEUE: usize = 512;
