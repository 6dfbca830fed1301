//! The approver's metrics. Labels are closed sets; none ever names an object.
//!
//! The names read `csi_driver_spiffe_approver_...`.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use svid_client::label_values;

/// The approver's metrics; clones share the same numbers.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    /// Decisions written.
    pub(crate) decisions: Family<DecisionLabels, Counter>,
    /// How long the steps of a decision take.
    stages: Family<StageLabels, Histogram>,
    /// Decisions that conflicted with a newer version of their object.
    pub(crate) conflicts: Counter,
    /// Decisions that could not be written and are retried.
    pub(crate) errors: Counter,
    /// Pods that could not be read; the decisions are tried again.
    pub(crate) pod_errors: Counter,
    /// Failures of a watch.
    pub(crate) watch_errors: Family<WatchLabels, Counter>,
    /// 1 while this replica decides.
    pub(crate) leader: Gauge,
    /// Requests to our issuers with a decision that is not ours.
    pub(crate) decided_elsewhere: Family<DecidedElsewhereLabels, Counter>,
    /// Requests without a decision.
    pub(crate) undecided: Family<UndecidedLabels, Gauge>,
    /// Requests that cannot be read.
    pub(crate) unreadable: Counter,
}

impl Metrics {
    /// Makes the metrics and registers each of them.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            decisions: Family::default(),
            stages: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            conflicts: Counter::default(),
            errors: Counter::default(),
            pod_errors: Counter::default(),
            watch_errors: Family::default(),
            leader: Gauge::default(),
            decided_elsewhere: Family::default(),
            undecided: Family::default(),
            unreadable: Counter::default(),
        };
        // Destructured, so that a metric that is not registered does not compile.
        let Self {
            decisions,
            stages,
            conflicts,
            errors,
            pod_errors,
            watch_errors,
            leader,
            decided_elsewhere,
            undecided,
            unreadable,
        } = metrics.clone();
        let registry = registry.sub_registry_with_prefix("csi_driver_spiffe_approver");
        registry.register("decisions", "Decisions written, by outcome", decisions);
        registry.register(
            "stage_duration_seconds",
            "Time spent on the stages of a decision: evaluating the request, reading its Pod, \
             writing the condition",
            stages,
        );
        registry.register(
            "patch_conflicts",
            "Decisions that conflicted with a newer version of their request and were made again",
            conflicts,
        );
        registry.register(
            "patch_errors",
            "Decisions that could not be written and were retried",
            errors,
        );
        registry.register(
            "pod_read_errors",
            "Failed reads of Pods, whose requests stay undecided and are retried",
            pod_errors,
        );
        registry.register(
            "watch_errors",
            "Failed watches, by watched resource",
            watch_errors,
        );
        registry.register("leader", "1 while this replica holds the lease", leader);
        registry.register(
            "decided_elsewhere",
            "Requests for a SPIFFE issuer with a decision that this approver would not have made",
            decided_elsewhere,
        );
        registry.register(
            "undecided_requests",
            "Requests without a decision: pending ones are for this approver, those left alone \
             are for another issuer, and for undecidable ones the API server refuses every \
             decision",
            undecided,
        );
        registry.register(
            "unreadable_requests",
            "Requests that cannot be read and stay undecided",
            unreadable,
        );
        metrics.begin();
        metrics
    }

    /// Initialises every labelled metric, so that the first event is visible as an increase.
    fn begin(&self) {
        for &outcome in DecisionOutcome::ALL {
            drop(self.decisions.get_or_create(&DecisionLabels { outcome }));
        }
        for &stage in DecisionStage::ALL {
            drop(self.stages.get_or_create(&StageLabels { stage }));
        }
        for &watch in WatchedResource::ALL {
            drop(self.watch_errors.get_or_create(&WatchLabels { watch }));
        }
        for &decision in Elsewhere::ALL {
            self.elsewhere(decision, 0);
        }
        for &state in Undecided::ALL {
            self.set_undecided(state, 0);
        }
    }

    /// Counts one decision as written.
    pub(crate) fn decided(&self, outcome: DecisionOutcome) {
        self.decisions
            .get_or_create(&DecisionLabels { outcome })
            .inc();
    }

    /// Notes how long a stage took.
    pub(crate) fn took(&self, stage: DecisionStage, duration: Duration) {
        self.stages
            .get_or_create(&StageLabels { stage })
            .observe(duration.as_secs_f64());
    }

    /// Counts one failure of a watch.
    pub(crate) fn watch_failed(&self, watch: WatchedResource) {
        self.watch_errors
            .get_or_create(&WatchLabels { watch })
            .inc();
    }

    /// Counts requests to our issuers with a decision that is not ours.
    pub(crate) fn elsewhere(&self, decision: Elsewhere, count: u64) {
        self.decided_elsewhere
            .get_or_create(&DecidedElsewhereLabels { decision })
            .inc_by(count);
    }

    #[cfg(test)]
    pub(crate) fn count_elsewhere(&self, decision: Elsewhere) -> u64 {
        self.decided_elsewhere
            .get_or_create(&DecidedElsewhereLabels { decision })
            .get()
    }

    #[cfg(test)]
    pub(crate) fn count_decided(&self, outcome: DecisionOutcome) -> u64 {
        self.decisions
            .get_or_create(&DecisionLabels { outcome })
            .get()
    }

    #[cfg(test)]
    pub(crate) fn count_undecided(&self, state: Undecided) -> i64 {
        self.undecided
            .get_or_create(&UndecidedLabels { state })
            .get()
    }

    /// Says how many requests are undecided.
    pub(crate) fn set_undecided(&self, state: Undecided, count: usize) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.undecided
            .get_or_create(&UndecidedLabels { state })
            .set(count);
    }
}

/// The outcome of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum DecisionOutcome {
    /// An identity was approved.
    Approved,
    /// An identity was denied.
    Denied,
    /// A request that has nothing to do with SPIFFE was approved.
    OrdinaryApproved,
    /// A request without the annotation would have made an SVID.
    OrdinaryDenied,
}

/// The steps of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum DecisionStage {
    /// The policy.
    Evaluate,
    /// The call that reads the Pod, in node-attested mode.
    ReadPod,
    /// The call that writes the condition.
    Patch,
}

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum WatchedResource {
    /// Certificate requests.
    Requests,
    /// The issuer's `ConfigMap`.
    Issuer,
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Elsewhere {
    /// Approved: an identity was given.
    Approved,
    /// Denied.
    Denied,
}

/// Why a request is undecided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Undecided {
    /// It waits for us.
    Pending,
    /// It names another issuer.
    LeftAlone,
    /// The API server refuses every decision on it.
    Undecidable,
}

label_values! {
    DecisionOutcome {
        Approved => "approved",
        Denied => "denied",
        OrdinaryApproved => "ordinary_approved",
        OrdinaryDenied => "ordinary_denied",
    }
    DecisionStage { Evaluate => "evaluate", ReadPod => "read_pod", Patch => "patch" }
    WatchedResource { Requests => "requests", Issuer => "issuer" }
    Elsewhere { Approved => "approved", Denied => "denied" }
    Undecided { Pending => "pending", LeftAlone => "left_alone", Undecidable => "undecidable" }
}

/// Labels of `decisions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct DecisionLabels {
    outcome: DecisionOutcome,
}

/// Labels of `stage_duration_seconds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageLabels {
    stage: DecisionStage,
}

/// Labels of `watch_errors`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct WatchLabels {
    watch: WatchedResource,
}

/// Labels of `decided_elsewhere`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct DecidedElsewhereLabels {
    decision: Elsewhere,
}

/// Labels of `undecided_requests`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct UndecidedLabels {
    state: Undecided,
}

/// Seconds. The policy takes a tenth of a millisecond, a call a few; beyond ten seconds it timed
/// out.
const BUCKETS: [f64; 12] = [
    0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0,
];

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;

    #[test]
    fn reads_as_documented() {
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        metrics.decided(DecisionOutcome::OrdinaryDenied);
        metrics.took(DecisionStage::Patch, Duration::from_millis(3));
        metrics.elsewhere(Elsewhere::Approved, 2);
        metrics.set_undecided(Undecided::LeftAlone, 5);
        metrics.watch_failed(WatchedResource::Issuer);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        let prefix = "csi_driver_spiffe_approver_";
        for line in [
            "decisions_total{outcome=\"ordinary_denied\"} 1",
            "stage_duration_seconds_count{stage=\"patch\"} 1",
            "decided_elsewhere_total{decision=\"approved\"} 2",
            "decided_elsewhere_total{decision=\"denied\"} 0",
            "undecided_requests{state=\"left_alone\"} 5",
            "watch_errors_total{watch=\"issuer\"} 1",
            "patch_conflicts_total 0",
            "patch_errors_total 0",
            "pod_read_errors_total 0",
            "unreadable_requests_total 0",
            "leader 0",
            // Also what has not happened yet.
            "decisions_total{outcome=\"approved\"} 0",
            "stage_duration_seconds_count{stage=\"read_pod\"} 0",
            "decided_elsewhere_total{decision=\"denied\"} 0",
            "undecided_requests{state=\"pending\"} 0",
            "watch_errors_total{watch=\"requests\"} 0",
        ] {
            assert!(
                text.contains(&format!("\n{prefix}{line}\n")),
                "{line} in\n{text}"
            );
        }
    }
}
