//! The lifecycle state of one volume.
//!
//! Invariant: every change is made while holding the slot's lock, so a volume is never begun and
//! removed at the same time. Nothing here waits for the network while the lock is held.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::credentials::Credentials;
use super::pods::Counted;
use super::status::{LossReport, StatusWriter, VolumeStatus};
use super::waiting::Waiting;
use super::writer::Writer;
use crate::spec::VolumeSpec;

/// One volume's place among the others. Outlives the volume while callers still wait for its lock.
pub(super) type Slot = Mutex<SlotState>;

/// The lifecycle state of a volume.
#[derive(Default)]
pub(super) enum SlotState {
    /// Nothing is known of it.
    #[default]
    Vacant,
    /// Its task runs.
    Live(Live),
    /// The kubelet wants it removed; its task has ended.
    Going(Arc<Remains>),
    /// It was no longer needed, and could not be removed.
    Leftover(Arc<Remains>),
    /// The slot is no longer among the others.
    Retired,
}

/// A volume whose task runs.
pub(super) struct Live {
    pub(super) spec: Arc<VolumeSpec>,
    pub(super) credentials: Credentials,
    pub(super) waiting: Waiting,
    pub(super) status: watch::Receiver<VolumeStatus>,
    pub(super) loss: LossReport,
    pub(super) writer: Writer,
    pub(super) stop: CancellationToken,
    pub(super) task: JoinHandle<()>,
    pub(super) counted: Counted,
}

/// What is left of a volume and has to be removed.
pub(super) struct Remains {
    pub(super) spec: Arc<VolumeSpec>,
    pub(super) writer: Writer,
    pub(super) status: StatusWriter,
    /// Until nothing is left.
    pub(super) _counted: Counted,
}

impl Live {
    pub(super) fn is_valid(&self, now: Timestamp) -> bool {
        self.status.borrow().is_valid(now)
    }

    /// Ends the task, which waits for no network.
    pub(super) async fn end(self) -> (Arc<VolumeSpec>, Writer, Counted) {
        self.stop.cancel();
        // A task that panicked has logged it and ends the process.
        let _ended = self.task.await;
        (self.spec, self.writer, self.counted)
    }
}
