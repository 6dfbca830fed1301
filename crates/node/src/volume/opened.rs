//! The data folder and what is open in it, made anew if somebody takes it away.
//!
//! Owns which folder is in use: a clean-up script on the node may remove ours while the process
//! runs, and a process that ended for that would lose the pods' tokens. Knows nothing of volumes.
//! Invariant: whoever asks gets a folder that was there a moment ago; every record that was written
//! through this is written again into a folder that was made anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use svid_core::names::DriverName;
use tokio_util::sync::CancellationToken;

use super::folder::Folder;
use super::records::RecordStore;
use super::scratch::Scratch;
use super::{FoundRecord, Record, RootContext, Selinux, VolumeError, data};
use crate::spec::VolumeId;

/// What is needed to open the data folder.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) data_root: PathBuf,
    pub(super) driver_name: DriverName,
    pub(super) boot_id: String,
    pub(super) root_context: Option<RootContext>,
    pub(super) selinux: Selinux,
}

/// The data folder while the process runs.
#[derive(Debug)]
pub(super) struct Data {
    opening: Opening,
    state: Mutex<State>,
    /// Cancelled when the data root itself is gone.
    lost: CancellationToken,
}

#[derive(Debug)]
struct State {
    opened: Opened,
    /// What the records say that are there.
    kept: BTreeMap<VolumeId, Record>,
    /// Those of them that a folder which was made anew lacks, since they could not be written.
    missing: BTreeSet<VolumeId>,
}

/// The folder and what is open in it, as long as anybody works there.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    records: Arc<RecordStore>,
    // Declared before the folder that it is mounted in.
    pub(super) scratch: Arc<Scratch>,
    folder: Arc<Folder>,
}

impl Opening {
    fn folder(&self) -> Result<Arc<Folder>, VolumeError> {
        data::open(&self.data_root, &self.driver_name).map(Arc::new)
    }

    fn records(&self, folder: &Folder) -> Result<Arc<RecordStore>, VolumeError> {
        RecordStore::open(folder, self.boot_id.clone()).map(Arc::new)
    }

    fn scratch(&self, folder: &Folder) -> Result<Arc<Scratch>, VolumeError> {
        let (name, context) = (self.driver_name.as_str(), self.root_context.clone());
        Scratch::open(folder, name, context, self.selinux).map(Arc::new)
    }
}

impl Opened {
    /// Makes anew what somebody has removed, and nothing else: others work in the rest. None if all
    /// is there.
    fn mend(&self, opening: &Opening) -> Result<Option<Self>, VolumeError> {
        let mut mended = self.clone();
        let has_folder = self.folder.is_linked()?;
        if !has_folder {
            mended.folder = opening.folder()?;
        }
        let has_records = has_folder && self.records.is_there()?;
        if !has_records {
            mended.records = opening.records(&mended.folder)?;
        }
        let has_scratch = has_folder && self.scratch.is_mounted_in(&self.folder)?;
        if !has_scratch {
            mended.scratch = opening.scratch(&mended.folder)?;
            self.scratch.give_up();
        }
        Ok((!(has_folder && has_records && has_scratch)).then_some(mended))
    }
}

impl Data {
    pub(super) fn open(opening: Opening) -> Result<Self, VolumeError> {
        let folder = opening.folder()?;
        let opened = Opened {
            records: opening.records(&folder)?,
            scratch: opening.scratch(&folder)?,
            folder,
        };
        let state = State {
            opened,
            kept: BTreeMap::new(),
            missing: BTreeSet::new(),
        };
        Ok(Self {
            opening,
            state: Mutex::new(state),
            lost: CancellationToken::new(),
        })
    }

    /// What is open, after it was made anew if it was gone.
    pub(super) fn opened(&self) -> Result<Opened, VolumeError> {
        Ok(self.present()?.opened.clone())
    }

    pub(super) fn load(&self) -> Result<Vec<FoundRecord>, VolumeError> {
        let mut state = self.present()?;
        let found = state.opened.records.load()?;
        let records = found.iter().map(|found| found.record.clone());
        state.kept = records.map(named).collect();
        Ok(found)
    }

    pub(super) fn save(&self, record: &Record) -> Result<(), VolumeError> {
        self.change(
            |records| records.save(record),
            |state| {
                let (volume, record) = named(record.clone());
                state.missing.remove(&volume);
                state.kept.insert(volume, record);
            },
        )
    }

    pub(super) fn forget(&self, volume: &VolumeId) -> Result<(), VolumeError> {
        self.change(
            |records| records.forget(volume),
            |state| {
                state.missing.remove(volume);
                state.kept.remove(volume);
            },
        )
    }

    /// Cancelled when the data root itself is gone. Only a process that is started again, for which
    /// it is mounted again, can have another.
    pub(super) fn lost(&self) -> CancellationToken {
        self.lost.clone()
    }

    /// Changes a record on disk and in memory: once more if the folder was made anew meanwhile, from
    /// what was in memory before.
    fn change(
        &self,
        on_disk: impl Fn(&RecordStore) -> Result<(), VolumeError>,
        in_memory: impl Fn(&mut State),
    ) -> Result<(), VolumeError> {
        loop {
            let records = self.opened()?.records;
            on_disk(&records)?;
            let mut state = self.lock();
            in_memory(&mut state);
            if Arc::ptr_eq(&records, &state.opened.records) {
                return Ok(());
            }
        }
    }

    fn present(&self) -> Result<MutexGuard<'_, State>, VolumeError> {
        let mut state = self.lock();
        let mended = state.opened.mend(&self.opening);
        if let Some(mended) = mended.map_err(|error| self.explain(error))? {
            let path = mended.folder.path().display();
            tracing::error!(
                "the data folder {path}, or a part of it, was removed while the driver uses it: it \
                 is made anew, with {} records. What removes it should leave it alone",
                state.kept.len()
            );
            state.opened = mended;
            state.missing = state.kept.keys().cloned().collect();
        }
        state.write_missing();
        Ok(state)
    }

    /// Why nothing can be made anew: the first cause that counts.
    fn explain(&self, error: VolumeError) -> VolumeError {
        let root = &self.opening.data_root;
        if !Folder::walk(root).is_ok_and(|root| matches!(root.is_linked(), Ok(false))) {
            return error;
        }
        self.lost.cancel();
        VolumeError::DataRootGone { path: root.clone() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change of it is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A record that cannot be written is a step behind after a restart, and no reason to stop.
    fn write_missing(&mut self) {
        let Self {
            opened,
            kept,
            missing,
        } = self;
        missing.retain(|volume| {
            let written = kept.get(volume).map(|record| opened.records.save(record));
            if let Some(Err(error)) = written {
                tracing::warn!(%volume, %error, "could not write the volume's record again");
                return true;
            }
            false
        });
    }
}

fn named(record: Record) -> (VolumeId, Record) {
    (record.spec().volume.clone(), record)
}
