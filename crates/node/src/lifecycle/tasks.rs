//! Publish, unpublish, recovery and shutdown of all volumes.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::board::Board;
use super::context::Context;
use super::joining::Joined;
use super::lanes::Lane;
use super::slot::SlotState;
use super::status::until_valid;
use super::volumes::NodeVolumes;
use super::{Lifecycle, PublishError, RecoverError, UnpublishError};
use crate::credential::{Credential, RequestMode};
use crate::spec::{PublishRequest, TargetPath, VolumeId};
use crate::volume::{FoundRecord, Record, RecordState};

/// All volumes of this node. Cheap to clone; all clones are the same volumes.
#[derive(Clone)]
pub struct VolumeTasks(Arc<NodeVolumes>);

/// A volume's task panicked, so nothing is known of its volume's state. A new process looks again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the task of a volume panicked, see the log; a new process will resume all volumes")]
pub struct TaskPanicked;

impl std::fmt::Debug for VolumeTasks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VolumeTasks")
            .field("board", &self.0.board)
            .finish_non_exhaustive()
    }
}

impl VolumeTasks {
    /// No volumes yet. Their tasks end after `shutdown`.
    pub fn new(context: Context, shutdown: CancellationToken) -> Self {
        Self(Arc::new(NodeVolumes::new(context, shutdown)))
    }

    /// What every volume is doing.
    pub fn board(&self) -> Board {
        self.0.board.clone()
    }

    /// Takes over the previous process's volumes: resumes those that are still wanted and removes
    /// the others. Ends before the kubelet is served.
    ///
    /// # Errors
    /// If the data folder cannot be read.
    pub async fn recover(&self) -> Result<(), RecoverError> {
        let volumes = Arc::clone(&self.0.context.volumes);
        let found = spawn_blocking(move || volumes.records())
            .await
            .map_err(|_panicked_or_cancelled| RecoverError::Thread)??;
        for FoundRecord {
            record,
            record_state,
        } in found
        {
            match record_state {
                RecordState::Current if !record.is_going() => self.0.resume(record).await,
                RecordState::Current | RecordState::OtherBoot | RecordState::PodGone => {
                    self.0.discard(record, record_state).await;
                }
            }
        }
        Ok(())
    }

    /// Removes volumes that the kubelet forgot, and waits for the end: after `shutdown` every task
    /// is joined, within `limit`.
    ///
    /// # Errors
    /// At once, if a task panicked.
    pub async fn run(&self, limit: Duration) -> Result<(), TaskPanicked> {
        tokio::select! {
            () = self.0.shutdown.cancelled() => {}
            () = self.0.broken.cancelled() => return Err(TaskPanicked),
            never = self.0.keep_sweeping() => match never {},
        }
        self.0.tasks.close();
        if timeout(limit, self.0.tasks.wait()).await.is_err() {
            tracing::warn!(left = self.0.tasks.len(), "tasks did not end in time");
        }
        Ok(())
    }
}

impl Lifecycle for VolumeTasks {
    async fn is_known(&self, volume: &VolumeId, target: Option<&TargetPath>) -> bool {
        if self.0.slots().contains_key(volume) {
            return true;
        }
        let Some(target) = target.cloned() else {
            return false;
        };
        // If it cannot be checked, it may be mounted.
        let found = self.0.is_mounted(Lane::Strangers, target).await;
        found.unwrap_or(true)
    }

    async fn publish(&self, request: PublishRequest, limit: Duration) -> Result<(), PublishError> {
        let deadline = Instant::now() + limit;
        let inner = Arc::clone(&self.0);
        let pod = request.spec.pod.uid.clone();
        let joined = self.0.tasks.spawn(async move { inner.join(request).await });
        let joined = timeout_at(deadline, joined).await;
        let joined = joined.map_err(|_elapsed| PublishError::Busy)?;
        let joined = joined.unwrap_or(Err(PublishError::ShuttingDown))?;
        match self.0.wait(joined, &pod, deadline).await {
            // The task has ended, and not for a removal.
            Err(PublishError::Going) if self.0.shutdown.is_cancelled() => {
                Err(PublishError::ShuttingDown)
            }
            shown => shown,
        }
    }

    async fn publish_malformed(
        &self,
        volume: &VolumeId,
        reason: String,
    ) -> Result<(), PublishError> {
        let slot = self.0.slots().get(volume).cloned();
        if let Some(slot) = slot
            && let SlotState::Live(live) = &*slot.lock().await
            && self.0.is_shown(live).await
        {
            tracing::warn!(%volume, reason, "a publish request was not understood; the volume is valid and stays as it is");
            return Ok(());
        }
        Err(PublishError::Malformed(reason))
    }

    async fn unpublish(&self, volume: VolumeId, target: TargetPath) -> Result<(), UnpublishError> {
        let inner = Arc::clone(&self.0);
        let removed = self
            .0
            .tasks
            .spawn(async move { inner.remove(volume, target).await });
        removed.await.unwrap_or(Err(UnpublishError::ShuttingDown))
    }
}

impl NodeVolumes {
    /// Waits until the volume shows a valid certificate. What can be answered at once needs no
    /// place.
    async fn wait(&self, joined: Joined, pod: &str, deadline: Instant) -> Result<(), PublishError> {
        let Joined {
            mut status,
            waiting,
            place,
        } = joined;
        let clock = &*self.context.clock;
        if let Some(answer) = until_valid(&mut status, clock, deadline).now_or_never() {
            return answer;
        }
        let place = place.or_else(|| self.places.enter(pod));
        let place = place.ok_or(PublishError::Crowded)?;
        let _waits = waiting.enter();
        tokio::select! {
            biased;
            answer = until_valid(&mut status, clock, deadline) => answer,
            () = place.lost() => Err(PublishError::Crowded),
        }
    }

    /// Resumes a volume of the previous process. The key of a request in flight was lost with that
    /// process, and whether its create was carried out. A pod's token arrives only with the
    /// kubelet's next publish; the driver's own credential is available at once.
    async fn resume(&self, mut record: Record) {
        record.doubt();
        record.abandon();
        let spec = record.spec().clone();
        tracing::info!(volume = %spec.volume, pod = spec.pod.name, "resuming a volume");
        let slot = self.slot(&spec.volume);
        let credential = match self.context.settings.requester {
            RequestMode::Pod => None,
            RequestMode::Driver => Some(Credential::Driver),
        };
        let counted = self.pods.count(&spec.pod.uid);
        let live = self.start(spec, self.writer(record), counted, credential);
        *slot.lock().await = SlotState::Live(live);
    }
}
