//! All volumes' statuses, for metrics and `/status`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::status::{Phase, VolumeStatus};
use crate::wish::{VolumeId, Wish};

/// What every volume is doing. Cheap to clone; all clones are one board.
#[derive(Clone, Debug, Default)]
pub struct Board(Arc<Mutex<BTreeMap<VolumeId, Entry>>>);

#[derive(Debug)]
struct Entry {
    wish: Arc<Wish>,
    status: watch::Receiver<VolumeStatus>,
}

impl Board {
    pub(super) fn put(&self, wish: Arc<Wish>, status: watch::Receiver<VolumeStatus>) {
        self.lock()
            .insert(wish.volume.clone(), Entry { wish, status });
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
        let lacks_one = |entry: &&Entry| {
            let status = entry.status.borrow();
            status.phase != Phase::Removing && !status.is_valid(now)
        };
        entries.values().filter(lacks_one).count()
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
    pub fn describe(&self, now: Timestamp) -> Value {
        let entries = self.lock();
        entries.values().map(|entry| describe(entry, now)).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<VolumeId, Entry>> {
        // A map cannot be left half-changed by a panic elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn describe(entry: &Entry, now: Timestamp) -> Value {
    let status = entry.status.borrow();
    let account = &entry.wish.service_account;
    let (phase, until) = match status.phase {
        Phase::Starting => ("starting", None),
        Phase::Resting(due) => ("resting", Some(due)),
        Phase::AwaitingToken => ("awaiting-token", None),
        Phase::Queued => ("queued", None),
        Phase::Requesting => ("requesting", None),
        Phase::Pending => ("pending", None),
        Phase::Holding(from) => ("holding", Some(from)),
        Phase::Publishing => ("publishing", None),
        Phase::RetryingAt(_) => ("retrying", None),
        Phase::Removing => ("removing", None),
    };
    json!({
        "volume": entry.wish.volume.as_str(),
        "namespace": account.namespace(),
        "pod": entry.wish.pod.name,
        "serviceAccount": account.name(),
        "phase": phase,
        "phaseUntil": until.map(|time| time.to_string()),
        "valid": status.is_valid(now),
        "notBefore": status.window.map(|window| window.start.to_string()),
        "usableUntil": status.window.map(|window| window.end.to_string()),
        "waitsFor": (status.phase == Phase::Pending).then_some(&status.waits_for),
        "lastFailure": status.failure,
    })
}
