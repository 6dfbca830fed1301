//! The volumes of this node, each in its slot, and starting the task of one.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::board::Board;
use super::cleaner::Cleaner;
use super::context::{Context, Volume};
use super::credentials::Credentials;
use super::lanes::{Lane, Lanes, ThreadEnded};
use super::places::WaitSlots;
use super::pods::{Counted, PodVolumes};
use super::slot::{Live, Slot, SlotState};
use super::status::StatusWriter;
use super::task::VolumeTask;
use super::waiting::Waiting;
use super::writer::Writer;
use crate::credential::Credential;
use crate::spec::{VolumeId, VolumeSpec};
use crate::volume::{Record, Volumes};

/// All volumes of this node, and what their tasks share.
pub(super) struct NodeVolumes {
    pub(super) context: Arc<Context>,
    slots: Mutex<BTreeMap<VolumeId, Arc<Slot>>>,
    pub(super) board: Board,
    pub(super) cleaner: Cleaner,
    pub(super) pods: PodVolumes,
    pub(super) places: WaitSlots,
    pub(super) lanes: Lanes,
    pub(super) tasks: TaskTracker,
    pub(super) shutdown: CancellationToken,
    /// Cancelled by a task that panicked.
    pub(super) broken: CancellationToken,
}

impl NodeVolumes {
    pub(super) fn new(context: Context, shutdown: CancellationToken) -> Self {
        let context = Arc::new(context);
        let tasks = TaskTracker::new();
        Self {
            cleaner: Cleaner::new(Arc::clone(&context), tasks.clone(), shutdown.clone()),
            pods: PodVolumes::new(context.volumes_per_pod),
            places: WaitSlots::default(),
            lanes: Lanes::default(),
            context,
            slots: Mutex::default(),
            board: Board::default(),
            tasks,
            shutdown,
            broken: CancellationToken::new(),
        }
    }

    /// Starts the task of a volume.
    pub(super) fn start(
        &self,
        spec: VolumeSpec,
        writer: Writer,
        counted: Counted,
        credential: Option<Credential>,
    ) -> Live {
        let spec = Arc::new(spec);
        let (credentials, waiting) = (Credentials::new(credential), Waiting::default());
        let (own_status, status) = StatusWriter::new();
        let loss = own_status.loss_report();
        let volume = Volume {
            context: Arc::clone(&self.context),
            spec: Arc::clone(&spec),
            writer: writer.clone(),
            status: own_status,
        };
        let task = VolumeTask::new(volume, credentials.clone(), waiting.clone());
        let stop = self.shutdown.child_token();
        let broken = self.broken.clone().drop_guard();
        let stopped = stop.clone();
        let whose = Arc::clone(&spec);
        let task = self.tasks.spawn(async move {
            let kept = AssertUnwindSafe(stopped.run_until_cancelled(task.run()));
            if kept.catch_unwind().await.is_ok() {
                broken.disarm();
                return;
            }
            // What it was is printed by the runtime. `broken` is dropped, which ends the process.
            tracing::error!(
                volume = %whose.volume,
                namespace = whose.service_account.namespace(),
                pod = whose.pod.name,
                "the task of this volume panicked, which ends the driver; if that repeats, delete the pod and report it"
            );
        });
        self.board.put(Arc::clone(&spec), status.clone());
        Live {
            spec,
            credentials,
            waiting,
            status,
            loss,
            writer,
            stop,
            task,
            counted,
        }
    }

    pub(super) fn writer(&self, record: Record) -> Writer {
        let volumes = Arc::clone(&self.context.volumes);
        Writer::new(self.lanes.clone(), volumes, record)
    }

    /// Works on files and mounts of a volume that no writer has in hand.
    pub(super) async fn on<T: Send + 'static>(
        &self,
        lane: Lane,
        work: impl FnOnce(&dyn Volumes) -> T + Send + 'static,
    ) -> Result<T, ThreadEnded> {
        let volumes = Arc::clone(&self.context.volumes);
        let permit = self.lanes.enter(lane).await?;
        permit.run(move || work(&*volumes)).await
    }

    pub(super) fn slot(&self, volume: &VolumeId) -> Arc<Slot> {
        Arc::clone(self.slots().entry(volume.clone()).or_default())
    }

    pub(super) fn retire(&self, volume: &VolumeId, life: &mut SlotState) {
        *life = SlotState::Retired;
        self.slots().remove(volume);
    }

    pub(super) fn slots(&self) -> MutexGuard<'_, BTreeMap<VolumeId, Arc<Slot>>> {
        // A map cannot be left half-changed by a panic elsewhere.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
