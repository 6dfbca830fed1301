//! The life of one volume: published, published again and again, unpublished.

use std::time::Duration;

use svid_api::csi::v1::node_service_capability::rpc;
use svid_api::csi::v1::{NodePublishVolumeRequest, NodeUnpublishVolumeRequest};
use tokio::sync::watch;
use tokio::time::Instant;
use tonic::Code;

use super::backoff::Backoff;
use super::context::Context;
use super::folders::{VolumeFolder, volume_handle};
use super::request::{Ingredients, InlineVolume};
use super::socket::{CallError, CsiSocket, Finality};
use super::status::Phase;
use super::view::PodView;
use crate::chance;
use crate::resource::CSI_DRIVERS;
use crate::store::Key;

/// One volume of one pod.
#[derive(Debug)]
pub(super) struct Volume {
    context: Context,
    inline: InlineVolume,
    uid: String,
    folder: VolumeFolder,
    id: String,
    phase: Phase,
}

impl Volume {
    pub(super) fn new(context: Context, uid: &str, inline: InlineVolume) -> Self {
        let folder = VolumeFolder::new(&context.options.root, uid, &inline.name);
        let id = volume_handle(uid, &inline.name);
        context.board.update(uid, &inline.name, |status| {
            status.target = folder.target();
            status.volume_id.clone_from(&id);
        });
        Self {
            context,
            inline,
            uid: uid.to_owned(),
            folder,
            id,
            phase: Phase::Absent,
        }
    }

    /// Lives until the pod is gone and the volume with it.
    pub(super) async fn live(mut self, mut pod: watch::Receiver<PodView>) {
        let mut backoff = Backoff::new(self.context.options.retry);
        if self.folder.is_there().await {
            self.enter(Phase::Uncertain);
        }
        let mut due = Some(Instant::now());
        loop {
            let view = pod.borrow_and_update().clone();
            if view.is_ending() {
                break;
            }
            tokio::select! {
                changed = pod.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let synced = view.differs_in_content(&pod.borrow());
                    // A change of the pod syncs it at once; a backoff is not cut short.
                    if synced && self.phase == Phase::Published && self.republishes() {
                        due = due.map(|due| due.min(Instant::now()));
                    }
                    continue;
                }
                () = at(due) => {}
            }
            due = match self.publish(&view).await {
                Ok(()) => {
                    backoff.succeeded();
                    self.republishes().then(|| Instant::now() + self.interval())
                }
                Err(error) => {
                    self.failed(error).await;
                    Some(Instant::now() + backoff.failed())
                }
            };
        }
        self.tear_down().await;
    }

    async fn publish(&mut self, view: &PodView) -> Result<(), CallError> {
        let by = Instant::now() + self.context.options.deadline;
        self.note(|status| status.attempts += 1);
        let socket = self.socket()?;
        let request = self.request(view, &socket, by).await?;
        socket.publish(request, by).await?;
        self.phase = Phase::Published;
        self.note(|status| {
            status.successes += 1;
            status.phase = Phase::Published;
            status.last_error = None;
        });
        Ok(())
    }

    /// Capabilities, folders, tokens, and from them the request: each can fail for a moment.
    async fn request(
        &self,
        view: &PodView,
        socket: &CsiSocket,
        by: Instant,
    ) -> Result<NodePublishVolumeRequest, CallError> {
        let volume_mount_group = socket.has(rpc::Type::VolumeMountGroup, by).await?;
        let made = self.folder.make().await;
        made.map_err(|error| transient(format!("volume folder: {error}")))?;
        let csi_driver = self
            .csi_driver()
            .ok_or_else(|| transient(format!("CSIDriver {} not found", self.inline.driver)))?;
        let tokens = self.context.tokens.attribute(&view.object, &csi_driver);
        let ingredients = Ingredients {
            pod: &view.object,
            volume: &self.inline,
            csi_driver: &csi_driver,
            volume_mount_group,
            tokens: tokens.map_err(|error| transient(error.to_string()))?,
            volume_id: self.id.clone(),
            target: self.folder.target().display().to_string(),
        };
        Ok(ingredients.request())
    }

    async fn failed(&mut self, error: CallError) {
        let was_published = self.phase == Phase::Published;
        let from_driver = error.call == "NodePublishVolume";
        let next = match error.finality() {
            // Since Kubernetes 1.37 a volume stays mounted when publishing it again fails.
            Finality::Final | Finality::Uncertain if was_published => Phase::Published,
            // Nothing was asked of the driver, so nothing is known that was not known before.
            Finality::Final | Finality::Uncertain if !from_driver => self.phase,
            Finality::Uncertain => Phase::Uncertain,
            Finality::Final => Phase::Absent,
        };
        self.note(|status| status.last_error = Some(error));
        self.enter(next);
        if from_driver && next == Phase::Absent {
            self.remove_folder().await;
        }
    }

    async fn tear_down(&mut self) {
        let mut backoff = Backoff::new(self.context.options.retry);
        loop {
            match self.unpublish().await {
                Ok(()) => break,
                Err(error) => {
                    tracing::debug!(%error, volume = self.id, "unpublish failed");
                    self.note(|status| status.last_error = Some(error));
                    tokio::time::sleep(backoff.failed()).await;
                }
            }
        }
        self.enter(Phase::Removed);
    }

    /// Unpublishes what is or may be published, and removes the kubelet's folders.
    async fn unpublish(&mut self) -> Result<(), CallError> {
        if matches!(self.phase, Phase::Published | Phase::Uncertain) {
            self.note(|status| status.unpublish_attempts += 1);
            let request = NodeUnpublishVolumeRequest {
                volume_id: self.id.clone(),
                target_path: self.folder.target().display().to_string(),
            };
            let by = Instant::now() + self.context.options.deadline;
            self.socket()?.unpublish(request, by).await?;
            self.enter(Phase::Absent);
        }
        let removed = self.folder.remove().await;
        removed.map_err(|error| transient(format!("volume folder: {error}")))
    }

    async fn remove_folder(&self) {
        if let Err(error) = self.folder.remove().await {
            tracing::warn!(%error, volume = self.id, "something is left at a forgotten volume");
        }
    }

    fn socket(&self) -> Result<CsiSocket, CallError> {
        let driver = &self.inline.driver;
        self.context.drivers.find(driver).ok_or_else(|| {
            transient(format!(
                "driver name {driver} not found in the list of registered CSI drivers"
            ))
        })
    }

    fn csi_driver(&self) -> Option<crate::store::Object> {
        let key = Key::new(&CSI_DRIVERS, "", &self.inline.driver);
        self.context.store.read(&key)
    }

    fn republishes(&self) -> bool {
        self.csi_driver().is_some_and(|driver| {
            driver.pointer("/spec/requiresRepublish") == Some(&serde_json::Value::Bool(true))
        })
    }

    fn interval(&self) -> Duration {
        let range = &self.context.options.republish;
        chance::between(*range.start(), *range.end())
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.note(|status| status.phase = phase);
    }

    fn note(&self, change: impl FnOnce(&mut super::status::VolumeStatus)) {
        self.context
            .board
            .update(&self.uid, &self.inline.name, change);
    }
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// A failure before the driver was asked for anything.
fn transient(message: String) -> CallError {
    CallError {
        call: "volume preparation",
        code: Code::Unavailable,
        message,
    }
}
