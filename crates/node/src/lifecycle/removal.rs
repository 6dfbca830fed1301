//! Removing a volume, for the kubelet or because nobody wants it any more.

use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::error::{UnpublishError, WriteError};
use super::slot::Life;
use super::tasks::Inner;
use crate::volume::{Record, Standing};
use crate::wish::{TargetPath, VolumeId};

impl Inner {
    pub(super) async fn remove(
        self: Arc<Self>,
        volume: VolumeId,
        target: TargetPath,
    ) -> Result<(), UnpublishError> {
        loop {
            let slot = self.slot(&volume);
            let mut life = slot.lock().await;
            let writer = match std::mem::take(&mut *life) {
                Life::Retired => {
                    *life = Life::Retired;
                    continue;
                }
                Life::Vacant => None,
                Life::Going(writer) => Some(writer),
                Life::Live(live) => Some(live.end().await),
            };
            self.board.take_off(&volume);
            if let Some(writer) = writer {
                *life = Life::Going(writer.clone());
                writer.remove().await?;
                self.cleaner.sweep(&writer.record().await);
            }
            // A volume without a record, such as the Go driver's, or a target that is not the
            // record's.
            let result = self.remove_unrecorded(volume.clone(), target).await;
            self.retire(&volume, &mut life);
            return result;
        }
    }

    async fn remove_unrecorded(
        &self,
        volume: VolumeId,
        target: TargetPath,
    ) -> Result<(), UnpublishError> {
        let volumes = Arc::clone(&self.context.volumes);
        let removed = spawn_blocking(move || {
            volumes.remove(&volume, &target)?;
            volumes.forget(&volume)
        });
        match removed.await {
            Ok(result) => Ok(result.map_err(WriteError::Volume)?),
            Err(_panicked_or_cancelled) => Err(UnpublishError::ShuttingDown),
        }
    }

    /// Removes a volume that nobody wants any more.
    pub(super) async fn discard(&self, record: Record, standing: Standing) {
        let volume = record.wish().volume.clone();
        tracing::info!(%volume, pod = record.wish().pod.name, ?standing, "removing what is left of a volume");
        let writer = self.writer(record);
        let slot = self.slot(&volume);
        let mut life = slot.lock().await;
        if let Err(error) = writer.remove().await {
            // The kubelet's unpublish or the next start tries again.
            tracing::warn!(%volume, %error, "removing what is left of a volume");
            *life = Life::Going(writer);
            return;
        }
        self.cleaner.sweep(&writer.record().await);
        self.retire(&volume, &mut life);
    }
}
