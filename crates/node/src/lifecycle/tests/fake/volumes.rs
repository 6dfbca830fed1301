//! The volumes of a node, in memory.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::spec::{TargetPath, VolumeId, VolumeSpec};
use crate::volume::{FileSet, FoundRecord, Record, RecordState, VolumeError, Volumes};

/// The operations on volumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in super::super) enum Operation {
    Records,
    Save,
    Forget,
    Look,
    Publish,
    ReplaceBundle,
    Read,
    Tidy,
    Remove,
}

/// What a pod sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Set {
    pub(in super::super) certificate: Vec<u8>,
    pub(in super::super) key: Vec<u8>,
    pub(in super::super) bundle: Option<Vec<u8>>,
}

impl Set {
    /// What is enough to be there.
    pub(in super::super) fn anything() -> Self {
        Self {
            certificate: b"c".to_vec(),
            key: b"k".to_vec(),
            bundle: None,
        }
    }
}

#[derive(Default)]
struct State {
    records: BTreeMap<VolumeId, Record>,
    record_state: BTreeMap<VolumeId, RecordState>,
    shown: HashMap<TargetPath, Set>,
    calls: HashMap<Operation, usize>,
    /// Which targets were published, and when, since that was asked for.
    published: Vec<(TargetPath, Instant)>,
    /// How many more times each operation fails.
    failing: HashMap<Operation, u32>,
    panicking: HashSet<Operation>,
    held: HashSet<Operation>,
    busy: HashSet<TargetPath>,
    overlaps: Vec<Operation>,
}

/// Records and mounts that fail, panic and block on request.
pub(in super::super) struct FakeVolumes {
    state: Mutex<State>,
    released: Condvar,
    begun: watch::Sender<usize>,
}

impl FakeVolumes {
    pub(in super::super) fn new() -> Self {
        Self {
            state: Mutex::default(),
            released: Condvar::new(),
            begun: watch::Sender::new(0),
        }
    }

    pub(in super::super) fn record(&self, volume: &VolumeId) -> Option<Record> {
        self.state().records.get(volume).cloned()
    }

    pub(in super::super) fn shown(&self, target: &TargetPath) -> Option<Set> {
        self.state().shown.get(target).cloned()
    }

    /// Puts a record there, as another process would have left it.
    pub(in super::super) fn leave(&self, record: Record, record_state: RecordState) {
        let volume = record.spec().volume.clone();
        let mut state = self.state();
        state.record_state.insert(volume.clone(), record_state);
        state.records.insert(volume, record);
    }

    /// Puts a set there, as another process would have left it.
    pub(in super::super) fn leave_set(&self, target: &TargetPath, set: Set) {
        self.state().shown.insert(target.clone(), set);
    }

    /// Takes away what a pod sees, as somebody who unmounts it.
    pub(in super::super) fn take_away(&self, target: &TargetPath) {
        self.state().shown.remove(target);
    }

    /// The pod of a volume and its folder are gone.
    pub(in super::super) fn end_pod(&self, volume: &VolumeId) {
        let mut state = self.state();
        state
            .record_state
            .insert(volume.clone(), RecordState::PodGone);
    }

    pub(in super::super) fn fail(&self, operation: Operation, times: u32) {
        self.state().failing.insert(operation, times);
    }

    pub(in super::super) fn panic_at(&self, operation: Operation) {
        self.state().panicking.insert(operation);
    }

    /// Every call of this kind blocks its thread until it is released.
    pub(in super::super) fn hold(&self, operation: Operation) {
        self.state().held.insert(operation);
    }

    pub(in super::super) fn release(&self, operation: Operation) {
        self.state().held.remove(&operation);
        self.released.notify_all();
    }

    /// Waits until there have been this many calls of that kind, finished or not. Not by time,
    /// which stands still while a call blocks.
    pub(in super::super) async fn begun(&self, operation: Operation, count: usize) {
        let mut begun = self.begun.subscribe();
        while self.count(operation) < count {
            begun.changed().await.unwrap();
        }
    }

    pub(in super::super) fn count(&self, operation: Operation) -> usize {
        self.state().calls.get(&operation).copied().unwrap_or(0)
    }

    /// Which targets were published, and when, since the last call of this.
    pub(in super::super) fn published(&self) -> Vec<(TargetPath, Instant)> {
        std::mem::take(&mut self.state().published)
    }

    /// Only one operation on a volume may run at a time.
    pub(in super::super) fn overlaps(&self) -> Vec<Operation> {
        self.state().overlaps.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(
        &self,
        operation: Operation,
        target: Option<&TargetPath>,
    ) -> Result<MutexGuard<'_, State>, VolumeError> {
        let mut state = self.state();
        *state.calls.entry(operation).or_default() += 1;
        self.begun.send_modify(|begun| *begun += 1);
        if let Some(target) = target
            && !state.busy.insert(target.clone())
        {
            state.overlaps.push(operation);
        }
        while state.held.contains(&operation) {
            state = self.released.wait(state).unwrap();
        }
        if let Some(target) = target {
            state.busy.remove(target);
        }
        assert!(
            !state.panicking.remove(&operation),
            "told to panic at {operation:?}"
        );
        match state.failing.get_mut(&operation) {
            Some(left) if *left > 0 => {
                *left -= 1;
                Err(VolumeError::Refused {
                    attempt: "touch",
                    path: PathBuf::from("/full"),
                    cause: Errno::NOSPC,
                })
            }
            Some(_) | None => Ok(state),
        }
    }
}

impl Volumes for FakeVolumes {
    fn records(&self) -> Result<Vec<FoundRecord>, VolumeError> {
        let state = self.enter(Operation::Records, None)?;
        let found = state.records.iter().map(|(volume, record)| FoundRecord {
            record: record.clone(),
            record_state: *state
                .record_state
                .get(volume)
                .unwrap_or(&RecordState::Current),
        });
        Ok(found.collect())
    }

    fn is_pod_gone(&self, target: &TargetPath) -> bool {
        let state = self.state();
        let mut records = state.records.values();
        let record = records.find(|record| record.spec().target == *target);
        let record_state = record.and_then(|record| state.record_state.get(&record.spec().volume));
        record_state == Some(&RecordState::PodGone)
    }

    fn save(&self, record: &Record) -> Result<(), VolumeError> {
        let mut state = self.enter(Operation::Save, Some(&record.spec().target))?;
        state
            .records
            .insert(record.spec().volume.clone(), record.clone());
        Ok(())
    }

    fn forget(&self, volume: &VolumeId) -> Result<(), VolumeError> {
        self.enter(Operation::Forget, None)?.records.remove(volume);
        Ok(())
    }

    fn is_mounted(&self, target: &TargetPath) -> Result<bool, VolumeError> {
        let state = self.enter(Operation::Look, None)?;
        Ok(state.shown.contains_key(target))
    }

    fn publish(&self, spec: &VolumeSpec, files: &FileSet) -> Result<(), VolumeError> {
        let mut state = self.enter(Operation::Publish, Some(&spec.target))?;
        let set = Set {
            certificate: files.certificate.clone(),
            key: files.key.to_vec(),
            bundle: files.bundle.clone(),
        };
        state.shown.insert(spec.target.clone(), set);
        state.published.push((spec.target.clone(), Instant::now()));
        Ok(())
    }

    fn replace_bundle(&self, spec: &VolumeSpec, bundle: &[u8]) -> Result<(), VolumeError> {
        let not_published = || VolumeError::NotPublished {
            path: spec.target.as_path().to_owned(),
        };
        let shown = self.read(&spec.target)?.ok_or_else(not_published)?;
        if shown.bundle.as_deref() == Some(bundle) {
            return Ok(());
        }
        let mut state = self.enter(Operation::ReplaceBundle, Some(&spec.target))?;
        let set = state.shown.get_mut(&spec.target);
        set.ok_or_else(not_published)?.bundle = Some(bundle.to_vec());
        Ok(())
    }

    fn tidy(&self, spec: &VolumeSpec) -> Result<(), VolumeError> {
        drop(self.enter(Operation::Tidy, Some(&spec.target))?);
        Ok(())
    }

    fn read(&self, target: &TargetPath) -> Result<Option<FileSet>, VolumeError> {
        let state = self.enter(Operation::Read, Some(target))?;
        Ok(state.shown.get(target).map(|set| FileSet {
            certificate: set.certificate.clone(),
            key: set.key.clone().into(),
            bundle: set.bundle.clone(),
        }))
    }

    fn remove(&self, _volume: &VolumeId, target: &TargetPath) -> Result<(), VolumeError> {
        let mut state = self.enter(Operation::Remove, Some(target))?;
        state.shown.remove(target);
        Ok(())
    }
}
