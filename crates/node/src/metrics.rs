//! The driver's metrics.
//!
//! Owns names, help texts and labels of every driver metric. Labels are closed enums; no label is
//! ever an object's name. Numbers that are owned elsewhere (volumes, Events, refused bundles) are
//! read from there at scrape.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use svid_client::{ApiError, label_values};

use crate::issuance::AttemptOutcome;

/// The driver's counters. Cheap to clone; all clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    attempts: Family<AttemptLabels, Counter>,
    stages: Stages,
    retries: Counter,
    api_errors: Family<ApiErrorLabels, Counter>,
    failed_removals: Counter,
    doubts: Family<DoubtLabels, Counter>,
}

type Stages = Family<StageLabels, Histogram, fn() -> Histogram>;

/// Whether a volume had a valid certificate when it asked for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttemptKind {
    /// The pod waits for its first certificate.
    Issuance,
    /// The pod already has one.
    Renewal,
}

/// The stages of a request, for measuring the time to reach each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttemptStage {
    /// The API server accepted it.
    Requested,
    /// The approver approved it.
    Approved,
    /// The issuer answered.
    Issued,
    /// The pod sees it.
    Published,
}

/// A call to the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ApiCall {
    /// Creating a request.
    Create,
    /// Reading a request after a lost answer.
    Read,
    /// Watching a request.
    Watch,
    /// Deleting a request.
    Delete,
}

/// Why a peer may reject a published certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Doubt {
    /// It does not lead to the trust bundle.
    NotAnchored,
    /// It has no key usage.
    NoKeyUsage,
    /// An authority above it ends before it does.
    AuthorityEnds,
}

impl Metrics {
    /// Metrics that `registry` exposes.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            attempts: Family::default(),
            stages: Family::new_with_constructor(|| Histogram::new(STAGE_SECONDS)),
            retries: Counter::default(),
            api_errors: Family::default(),
            failed_removals: Counter::default(),
            doubts: Family::default(),
        };
        let Self {
            attempts,
            stages,
            retries,
            api_errors,
            failed_removals,
            doubts,
        } = metrics.clone();
        registry.register(
            "csi_driver_spiffe_driver_attempts",
            "Attempts to get a certificate, by whether the pod already had one and by outcome",
            attempts,
        );
        registry.register(
            "csi_driver_spiffe_driver_stage_duration_seconds",
            "Time from the start of an attempt to each stage that it reached",
            stages,
        );
        registry.register(
            "csi_driver_spiffe_driver_retries",
            "Attempts that were retried after a wait",
            retries,
        );
        registry.register(
            "csi_driver_spiffe_driver_api_errors",
            "Failed calls to the API server, by call and kind of failure",
            api_errors,
        );
        registry.register(
            "csi_driver_spiffe_driver_failed_removals",
            "Failed removals of volumes, which are retried",
            failed_removals,
        );
        registry.register(
            "csi_driver_spiffe_driver_doubtful_certificates",
            "Certificates that were published although some peers may reject them, by reason",
            doubts,
        );
        metrics.begin();
        metrics
    }

    /// Initialises every labelled number, so that the first event is seen as a rise.
    fn begin(&self) {
        for &kind in AttemptKind::ALL {
            for &outcome in AttemptOutcome::ALL {
                drop(
                    self.attempts
                        .get_or_create(&AttemptLabels { kind, outcome }),
                );
            }
        }
        for &stage in AttemptStage::ALL {
            drop(self.stages.get_or_create(&StageLabels { stage }));
        }
        for &doubt in Doubt::ALL {
            drop(self.doubts.get_or_create(&DoubtLabels { doubt }));
        }
        for &call in ApiCall::ALL {
            for error in ApiError::KINDS {
                drop(
                    self.api_errors
                        .get_or_create(&ApiErrorLabels { call, error }),
                );
            }
        }
    }

    /// Counts an attempt that ended.
    pub fn attempt(&self, kind: AttemptKind, outcome: AttemptOutcome) {
        self.attempts
            .get_or_create(&AttemptLabels { kind, outcome })
            .inc();
    }

    /// Records how long after its start an attempt reached a stage.
    pub fn stage(&self, stage: AttemptStage, after: Duration) {
        self.stages
            .get_or_create(&StageLabels { stage })
            .observe(after.as_secs_f64());
    }

    /// Counts a wait before another attempt.
    pub fn retry(&self) {
        self.retries.inc();
    }

    /// Counts a removal that failed.
    pub fn not_removed(&self) {
        self.failed_removals.inc();
    }

    #[cfg(test)]
    pub(crate) fn failed_removals(&self) -> u64 {
        self.failed_removals.get()
    }

    /// Counts a certificate that was shown in spite of a doubt.
    pub fn doubt(&self, doubt: Doubt) {
        self.doubts.get_or_create(&DoubtLabels { doubt }).inc();
    }

    /// Counts a failed call.
    pub fn api_error(&self, call: ApiCall, error: &ApiError) {
        self.api_errors
            .get_or_create(&ApiErrorLabels {
                call,
                error: error.kind(),
            })
            .inc();
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    kind: AttemptKind,
    outcome: AttemptOutcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DoubtLabels {
    doubt: Doubt,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageLabels {
    stage: AttemptStage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ApiErrorLabels {
    call: ApiCall,
    error: &'static str,
}

label_values! {
    AttemptKind { Issuance => "issuance", Renewal => "renewal" }
    AttemptStage {
        Requested => "requested",
        Approved => "approved",
        Issued => "issued",
        Published => "published",
    }
    Doubt {
        NotAnchored => "not_anchored",
        NoKeyUsage => "no_key_usage",
        AuthorityEnds => "authority_ends",
    }
    ApiCall { Create => "create", Read => "read", Watch => "watch", Delete => "delete" }
}

/// Seconds: the first buckets separate a healthy cluster's stages, the last one is the longest that
/// an undecided request is waited for.
const STAGE_SECONDS: [f64; 12] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 110.0, 300.0,
];
