//! Removing a volume, for the kubelet or because it is no longer needed.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::error::{UnpublishError, WriteError};
use super::lanes::{Lane, ThreadEnded};
use super::pods::Counted;
use super::slot::{Remains, Slot, SlotState};
use super::status::StatusWriter;
use super::volumes::NodeVolumes;
use super::writer::Writer;
use crate::spec::{TargetPath, VolumeId, VolumeSpec};
use crate::volume::{Record, RecordState};

impl NodeVolumes {
    pub(super) async fn remove(
        self: Arc<Self>,
        volume: VolumeId,
        target: TargetPath,
    ) -> Result<(), UnpublishError> {
        loop {
            let slot = self.slot(&volume);
            let mut life = slot.lock().await;
            if matches!(*life, SlotState::Retired) {
                continue;
            }
            if let Some(remains) = self.end(&mut life).await {
                *life = SlotState::Going(Arc::clone(&remains));
                self.finish(&remains).await?;
            }
            // A volume without a record, such as the Go driver's, or a target that is not the
            // record's.
            let result = self.remove_unrecorded(volume.clone(), target).await;
            if result.is_err() {
                self.context.metrics.not_removed();
            }
            self.retire(&volume, &mut life);
            return result;
        }
    }

    /// Ends the task of a volume, if it has one. What is left to be removed; None if nothing is.
    async fn end(&self, life: &mut SlotState) -> Option<Arc<Remains>> {
        match std::mem::take(life) {
            SlotState::Live(live) => {
                let (spec, writer, counted) = live.end().await;
                Some(self.remains(spec, writer, counted))
            }
            SlotState::Going(remains) | SlotState::Leftover(remains) => Some(remains),
            SlotState::Vacant | SlotState::Retired => None,
        }
    }

    /// What is left of a volume, shown as such until nothing is.
    fn remains(&self, spec: Arc<VolumeSpec>, writer: Writer, counted: Counted) -> Arc<Remains> {
        let (status, statuses) = StatusWriter::removing();
        self.board.put(Arc::clone(&spec), statuses);
        Arc::new(Remains {
            spec,
            writer,
            status,
            _counted: counted,
        })
    }

    /// Removes what is left of a volume, and has its requests deleted.
    pub(super) async fn finish(&self, remains: &Remains) -> Result<(), WriteError> {
        if let Err(error) = remains.writer.remove().await {
            remains.status.explain(error.to_string());
            self.context.metrics.not_removed();
            return Err(error);
        }
        self.board.take_off(&remains.spec.volume);
        self.cleaner.sweep(&remains.writer.record().await);
        Ok(())
    }

    async fn remove_unrecorded(
        &self,
        volume: VolumeId,
        target: TargetPath,
    ) -> Result<(), UnpublishError> {
        let removed = self.on(Lane::Removals, move |volumes| {
            volumes.remove(&volume, &target)?;
            volumes.forget(&volume)
        });
        let removed = removed.await;
        let removed = removed.map_err(|ThreadEnded| UnpublishError::ShuttingDown)?;
        Ok(removed.map_err(WriteError::Volume)?)
    }

    /// Removes a volume that is no longer needed.
    pub(super) async fn discard(&self, record: Record, record_state: RecordState) {
        let spec = Arc::new(record.spec().clone());
        let volume = &spec.volume;
        tracing::info!(%volume, pod = spec.pod.name, ?record_state, "removing what is left of a volume");
        let counted = self.pods.count(&spec.pod.uid);
        let remains = self.remains(Arc::clone(&spec), self.writer(record), counted);
        let slot = self.slot(volume);
        let mut life = slot.lock().await;
        self.take_away(&mut life, remains).await;
    }

    /// Looks every ten minutes for volumes whose pod is gone, of whose end the kubelet has not told
    /// us: they would ask for certificates for ever.
    pub(super) async fn keep_sweeping(&self) -> Infallible {
        loop {
            sleep(SWEEP).await;
            let slots: Vec<_> = self.slots().values().cloned().collect();
            for slot in slots {
                self.sweep(&slot).await;
            }
        }
    }

    async fn sweep(&self, slot: &Slot) {
        let mut life = slot.lock().await;
        let is_unwanted = match &*life {
            SlotState::Live(live) => self.is_forgotten(&live.spec).await,
            SlotState::Leftover(_) => true,
            SlotState::Going(_) | SlotState::Vacant | SlotState::Retired => false,
        };
        if is_unwanted && let Some(remains) = self.end(&mut life).await {
            self.take_away(&mut life, remains).await;
        }
    }

    async fn is_forgotten(&self, spec: &VolumeSpec) -> bool {
        let target = spec.target.clone();
        let look = self.on(Lane::Volumes, move |volumes| volumes.is_pod_gone(&target));
        let is_gone = look.await == Ok(true);
        if is_gone {
            tracing::info!(volume = %spec.volume, pod = spec.pod.name, "the pod is gone: removing what is left of a volume");
        }
        is_gone
    }

    /// Removes what is left of a volume that nobody wants any more.
    async fn take_away(&self, life: &mut SlotState, remains: Arc<Remains>) {
        let volume = remains.spec.volume.clone();
        if let Err(error) = self.finish(&remains).await {
            // The kubelet's next call, publish or unpublish, the next sweep or the next start tries
            // again.
            tracing::warn!(%volume, %error, "could not remove what is left of a volume");
            *life = SlotState::Leftover(remains);
            return;
        }
        self.retire(&volume, life);
    }
}

/// A pod that ends is told of by the kubelet. Halved, twice as many looks at the folders of pods.
const SWEEP: Duration = Duration::from_secs(600);
