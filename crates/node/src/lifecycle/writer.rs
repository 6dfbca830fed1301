//! The only writer of a volume's record and files.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::lanes::{Lane, Lanes, Permit, ThreadEnded};
use crate::spec::VolumeSpec;
use crate::volume::{FileSet, Record, VolumeError, Volumes};

/// A volume's record and files, one writer at a time.
///
/// Writing happens on a thread that may block and runs to completion even if the caller is
/// cancelled in the middle; the next caller waits for that. Cheap to clone.
#[derive(Clone)]
pub(super) struct Writer {
    lanes: Lanes,
    state: Arc<Mutex<WriterState>>,
}

struct WriterState {
    volumes: Arc<dyn Volumes>,
    record: Record,
}

/// Why something was not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The file system, the kernel or the record refused.
    #[error(transparent)]
    Volume(#[from] VolumeError),
    /// The thread ended before the work did.
    #[error("the thread that works on the volume ended early; see the log")]
    Thread,
}

impl From<ThreadEnded> for WriteError {
    fn from(_: ThreadEnded) -> Self {
        Self::Thread
    }
}

impl WriterState {
    /// Writes the record if failing to do so need not stop anything: a record that is a step behind
    /// costs one request at the next start.
    fn save(&self, what: &'static str) {
        if let Err(error) = self.volumes.save(&self.record) {
            tracing::warn!(volume = %self.record.spec().volume, %error, "{what}");
        }
    }
}

impl Writer {
    pub(super) fn new(lanes: Lanes, volumes: Arc<dyn Volumes>, record: Record) -> Self {
        let state = Arc::new(Mutex::new(WriterState { volumes, record }));
        Self { lanes, state }
    }

    /// Writes the record with a change in it. The change stays in memory even if the write fails,
    /// so that the next write includes it.
    pub(super) async fn amend(&self, change: impl FnOnce(&mut Record) + Send + 'static) {
        let amended = self.work(Lane::Volumes, move |state| {
            let before = state.record.clone();
            change(&mut state.record);
            if before != state.record {
                state.save("could not write the volume's record");
            }
            Ok(())
        });
        if let Err(error) = amended.await {
            let record = self.record().await;
            tracing::warn!(volume = %record.spec().volume, %error, "could not write the volume's record");
        }
    }

    /// Writes the record as it is.
    pub(super) async fn save(&self) -> Result<(), WriteError> {
        self.work(Lane::Volumes, |state| state.volumes.save(&state.record))
            .await
    }

    /// What the record says.
    pub(super) async fn record(&self) -> Record {
        self.state.lock().await.record.clone()
    }

    /// The complete set of files that the pod sees, if there is one.
    pub(super) async fn read(&self) -> Result<Option<FileSet>, WriteError> {
        self.work(Lane::Volumes, |state| {
            state.volumes.read(&state.record.spec().target)
        })
        .await
    }

    /// Takes out of the volume what a process that was killed between two steps left there, such as
    /// a key that was replaced.
    pub(super) async fn tidy(&self) -> Result<(), WriteError> {
        self.work(Lane::Volumes, |state| {
            state.volumes.tidy(state.record.spec())
        })
        .await
    }

    /// Shows a set of files, made at the moment of writing, and records that they came from the
    /// request in flight `now`.
    pub(super) async fn publish(
        &self,
        files: impl FnOnce() -> FileSet + Send + 'static,
        now: Timestamp,
    ) -> Result<(), WriteError> {
        self.work(Lane::Volumes, move |state| {
            state.volumes.publish(state.record.spec(), &files())?;
            state.record.complete(now);
            // The files are what counts, so a failure here must not take the certificate away
            // again.
            state.save("could not record the request that was issued");
            Ok(())
        })
        .await
    }

    /// Shows the trust bundle that `newest` gives at the moment of writing, beside the same
    /// certificate and key. Does nothing if no set is shown.
    pub(super) async fn show_bundle(
        &self,
        newest: impl FnOnce() -> Option<Vec<u8>> + Send + 'static,
    ) -> Result<(), WriteError> {
        self.work(Lane::Bundles, move |state| {
            let Some(bundle) = newest() else {
                return Ok(());
            };
            match state.volumes.replace_bundle(state.record.spec(), &bundle) {
                Err(VolumeError::NotPublished { .. }) => Ok(()),
                result => result,
            }
        })
        .await
    }

    /// Removes the volume: marks the record, removes mount and files, forgets the record.
    pub(super) async fn remove(&self) -> Result<(), WriteError> {
        self.work(Lane::Removals, |state| {
            // A full disk must not keep a pod from ending.
            if state.record.go() {
                state.save("could not record that the volume is being removed");
            }
            let WriterState { volumes, record } = state;
            let VolumeSpec { volume, target, .. } = record.spec();
            volumes.remove(volume, target)?;
            volumes.forget(volume)
        })
        .await
    }

    /// A permit for a bundle, and the volume. Neither is waited for with the other in hand, since one
    /// volume that hangs would keep the bundle from the others.
    async fn bundle_permit(&self) -> Result<(Permit, OwnedMutexGuard<WriterState>), ThreadEnded> {
        loop {
            let permit = self.lanes.enter(Lane::Bundles).await?;
            if let Ok(state) = Arc::clone(&self.state).try_lock_owned() {
                return Ok((permit, state));
            }
            drop(permit);
            drop(self.state.lock().await);
        }
    }

    async fn work<T: Send + 'static>(
        &self,
        lane: Lane,
        work: impl FnOnce(&mut WriterState) -> Result<T, VolumeError> + Send + 'static,
    ) -> Result<T, WriteError> {
        let volume = || Arc::clone(&self.state).lock_owned();
        let (permit, mut state) = match lane {
            // Comes to all volumes at once: one that held its volume until its turn would hold up
            // whatever else is done to that volume.
            Lane::Bundles => self.bundle_permit().await?,
            // One that waited for its volume with a permit in hand would hold up other volumes.
            Lane::Volumes | Lane::Removals | Lane::Strangers => {
                let state = volume().await;
                (self.lanes.enter(lane).await?, state)
            }
        };
        Ok(permit.run(move || work(&mut state)).await??)
    }
}
