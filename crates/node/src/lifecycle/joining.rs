//! Making sure that a volume has a task, before its publish waits.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::PublishError;
use super::credentials::Offer;
use super::error::WriteError;
use super::lanes::Lane;
use super::places::WaitSlot;
use super::pods::Counted;
use super::slot::{Live, SlotState};
use super::status::Follower;
use super::volumes::NodeVolumes;
use super::waiting::Waiting;
use crate::credential::Credential;
use crate::spec::{PublishRequest, TargetPath, VolumeSpec};
use crate::volume::Record;

/// A volume that has a task and the publish's credential.
pub(super) struct Joined {
    pub(super) status: Follower,
    /// To be entered while the publish waits.
    pub(super) waiting: Waiting,
    /// Where to wait, if the volume is new. A publish of one that exists may not need to.
    pub(super) place: Option<WaitSlot>,
}

impl NodeVolumes {
    /// Makes sure that the volume has a task, and hands it the credential.
    pub(super) async fn join(
        self: Arc<Self>,
        request: PublishRequest,
    ) -> Result<Joined, PublishError> {
        let PublishRequest { spec, credential } = request;
        let slot = self.slot(&spec.volume);
        let mut life = slot.lock().await;
        if let SlotState::Leftover(remains) = &*life {
            self.finish(remains).await.map_err(PublishError::NotBegun)?;
            *life = SlotState::Vacant;
        }
        match &*life {
            SlotState::Retired => Err(PublishError::Removed),
            SlotState::Going(_) | SlotState::Leftover(_) => Err(PublishError::Going),
            SlotState::Live(live) => {
                let is_its_pods = live.spec.pod.uid == spec.pod.uid
                    && live.spec.service_account == spec.service_account;
                let is_late = is_its_pods && live.credentials.offer(credential) == Offer::Tried;
                let is_shown = self.is_shown(live).await;
                let is_there = live.spec.target == spec.target && is_shown;
                if *live.spec != spec && !is_there {
                    return Err(PublishError::SpecChanged);
                }
                Ok(Joined {
                    status: Follower::of(live.status.clone(), is_late),
                    waiting: live.waiting.clone(),
                    place: None,
                })
            }
            SlotState::Vacant => {
                let volume = spec.volume.clone();
                let begun = self.begin(&mut life, spec, credential).await;
                if begun.is_err() {
                    self.retire(&volume, &mut life);
                }
                begun
            }
        }
    }

    /// Begins a volume of which nothing is known. If that fails, nothing of it is there.
    async fn begin(
        &self,
        life: &mut SlotState,
        spec: VolumeSpec,
        credential: Credential,
    ) -> Result<Joined, PublishError> {
        let counted = self.admit(&spec).await?;
        let place = self.places.enter(&spec.pod.uid);
        let place = place.ok_or(PublishError::Crowded)?;
        let writer = self.writer(Record::new(spec.clone()));
        writer.save().await.map_err(PublishError::NotBegun)?;
        let live = self.start(spec, writer, counted, Some(credential));
        let joined = Joined {
            status: Follower::of(live.status.clone(), false),
            waiting: live.waiting.clone(),
            place: Some(place),
        };
        *life = SlotState::Live(live);
        Ok(joined)
    }

    /// Counts a volume of which nothing is known, unless its pod has as many as it may. One that is
    /// at its target, such as the Go driver's, is not new.
    async fn admit(&self, spec: &VolumeSpec) -> Result<Counted, PublishError> {
        let pod = &spec.pod.uid;
        if let Some(counted) = self.pods.admit(pod) {
            return Ok(counted);
        }
        let is_there = self.is_mounted(Lane::Strangers, spec.target.clone()).await;
        if is_there.map_err(PublishError::NotBegun)? {
            return Ok(self.pods.count(pod));
        }
        let limit = self.pods.limit();
        Err(PublishError::TooManyVolumes { limit })
    }

    /// Whether the pod sees a valid certificate. That of a volume that somebody has unmounted is
    /// lost, which its task is told.
    pub(super) async fn is_shown(&self, live: &Live) -> bool {
        if !live.is_valid(self.context.clock.now()) {
            return false;
        }
        let VolumeSpec { volume, target, .. } = &*live.spec;
        // The slot is held meanwhile, which the volume's removal waits for.
        let look = timeout(LOOK, self.is_mounted(Lane::Volumes, target.clone()));
        match look.await {
            Ok(Ok(true)) | Err(_) => true,
            Ok(Ok(false)) => {
                tracing::warn!(%volume, %target, "a volume was unmounted by somebody else: making it again");
                live.loss.lose();
                false
            }
            Ok(Err(error)) => {
                tracing::warn!(%volume, %error, "could not see whether a volume is still mounted");
                true
            }
        }
    }

    /// Whether something of the kind we mount is at a target. What may be refused must not take the
    /// threads that work on volumes.
    pub(super) async fn is_mounted(
        &self,
        lane: Lane,
        target: TargetPath,
    ) -> Result<bool, WriteError> {
        Ok(self
            .on(lane, move |volumes| volumes.is_mounted(&target))
            .await??)
    }
}

/// One look takes microseconds; a disk that hangs must not hold up whoever waits for the slot.
const LOOK: Duration = Duration::from_secs(2);
