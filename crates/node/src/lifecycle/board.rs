//! All volumes' statuses, for metrics and `/status`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use svid_core::identity::{SpiffeId, TrustDomain};
use tokio::sync::watch;
use tokio::time::Instant;

use super::status::{Phase, VolumeStatus};
use crate::overview::{Line, VolumeOverview};
use crate::spec::{VolumeId, VolumeSpec};

/// What every volume is doing. Cheap to clone; all clones are one board.
#[derive(Clone, Debug, Default)]
pub struct Board(Arc<Mutex<BTreeMap<VolumeId, BoardEntry>>>);

#[derive(Debug)]
struct BoardEntry {
    spec: Arc<VolumeSpec>,
    status: watch::Receiver<VolumeStatus>,
}

impl Board {
    pub(super) fn put(&self, spec: Arc<VolumeSpec>, status: watch::Receiver<VolumeStatus>) {
        self.lock()
            .insert(spec.volume.clone(), BoardEntry { spec, status });
    }

    pub(super) fn take_off(&self, volume: &VolumeId) {
        self.lock().remove(volume);
    }

    /// How many volumes are managed.
    pub fn volumes(&self) -> usize {
        self.lock().len()
    }

    /// How many of them should show a valid certificate at `now` and do not.
    pub fn without_certificate(&self, now: Timestamp) -> usize {
        let entries = self.lock();
        let lacks_one = |entry: &&BoardEntry| {
            let status = entry.status.borrow();
            status.phase != Phase::Removing && !status.is_valid(now)
        };
        entries.values().filter(lacks_one).count()
    }

    /// How many of them wait for the kubelet to bring a token.
    pub fn awaiting_token(&self) -> usize {
        let entries = self.lock();
        let waits = |entry: &&BoardEntry| {
            let status = entry.status.borrow();
            matches!(status.phase, Phase::AwaitingToken(_))
        };
        entries.values().filter(waits).count()
    }

    /// When the first certificate that a pod sees ends; None if no pod has one.
    pub fn nearest_expiry(&self) -> Option<Timestamp> {
        let entries = self.lock();
        entries
            .values()
            .filter_map(|entry| Some(entry.status.borrow().window?.end))
            .min()
    }

    /// Every volume with its pod, what it is doing and why the last attempt failed. Holds nothing
    /// secret.
    pub fn overview(&self, now: Timestamp, trust_domain: &TrustDomain) -> Vec<VolumeOverview> {
        let entries = self.lock();
        entries
            .values()
            .map(|entry| overview(entry, now, trust_domain))
            .collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<VolumeId, BoardEntry>> {
        // A map cannot be left half-changed by a panic elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn overview(entry: &BoardEntry, now: Timestamp, trust_domain: &TrustDomain) -> VolumeOverview {
    let status = entry.status.borrow();
    let account = &entry.spec.service_account;
    let (phase, since, until) = match status.phase {
        Phase::Starting => ("starting", None, None),
        Phase::Resting(due) => ("resting", None, Some(due)),
        Phase::AwaitingToken(since) => ("awaiting-token", Some(since), None),
        Phase::Queued => ("queued", None, None),
        Phase::Requesting => ("requesting", None, None),
        Phase::Pending => ("pending", None, None),
        Phase::Holding(from) => ("holding", None, Some(from)),
        Phase::Publishing => ("publishing", None, None),
        Phase::RetryingAt(next) => ("retrying", None, wall_clock(next.at, now)),
        Phase::Removing => ("removing", None, None),
    };
    let waits_for = status.waits_for.as_ref();
    VolumeOverview {
        volume: entry.spec.volume.as_str().into(),
        namespace: account.namespace().into(),
        pod: (&entry.spec.pod.name).into(),
        service_account: account.name().into(),
        spiffe_id: SpiffeId::for_service_account(trust_domain, account)
            .as_str()
            .into(),
        target: entry.spec.target.to_string().into(),
        phase: phase.into(),
        phase_until: until,
        phase_since: since,
        valid: status.is_valid(now),
        not_before: status.window.map(|window| window.start),
        usable_until: status.window.map(|window| window.end),
        waits_for: waits_for
            .filter(|_| status.phase == Phase::Pending)
            .map(Line::from),
        last_failure: status.failure.as_ref().map(Line::from),
    }
}

/// What the wall clock shows at an instant, unless it is set.
fn wall_clock(instant: Instant, now: Timestamp) -> Option<Timestamp> {
    let left = instant.saturating_duration_since(Instant::now());
    now.checked_add(left).ok()
}
