//! A pod on the node: what it wants, its life, and the handle that a test holds on it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::context::Context;
use super::folders::VolumeFolder;
use super::request::InlineVolume;
use super::socket::CallError;
use super::status::{Board, Phase, VolumeStatus};
use super::view::PodView;
use super::volume::Volume;
use crate::auth::ServiceAccountName;
use crate::clock;
use crate::cluster::{Objects, Refused, WaitError};
use crate::resource::PODS;
use crate::store::{Object, meta};

/// A pod with one inline volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodSpec {
    pub namespace: String,
    /// Its name; empty lets the API server choose one.
    pub name: String,
    pub service_account: String,
    /// The volume's name in the pod.
    pub volume: String,
    /// `volumeAttributes`, as the user writes them.
    pub attributes: BTreeMap<String, String>,
    /// Whether the volume is mounted read-only.
    pub access: Access,
    /// `securityContext.fsGroup`.
    pub fs_group: Option<i64>,
}

/// `csi.readOnly`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// `true`, as the driver demands.
    #[default]
    ReadOnly,
    /// `false`.
    ReadWrite,
}

impl PodSpec {
    /// A pod of this service account with a read-only volume named `spiffe`.
    pub fn new(account: &ServiceAccountName) -> Self {
        Self {
            namespace: account.namespace.clone(),
            name: String::new(),
            service_account: account.name.clone(),
            volume: "spiffe".to_owned(),
            attributes: BTreeMap::new(),
            access: Access::default(),
            fs_group: None,
        }
    }

    pub(super) fn to_object(&self, driver: &str, node: &str) -> Value {
        let mut pod = json!({
            "metadata": {"generateName": format!("{}-", self.service_account)},
            "spec": {
                "serviceAccountName": self.service_account,
                "nodeName": node,
                "securityContext": {},
                "containers": [{
                    "name": "main",
                    "image": "workload",
                    "volumeMounts": [{
                        "name": self.volume,
                        "mountPath": "/var/run/secrets/spiffe.io",
                        "readOnly": true,
                    }],
                }],
                "volumes": [{
                    "name": self.volume,
                    "csi": {
                        "driver": driver,
                        "readOnly": self.access == Access::ReadOnly,
                        "volumeAttributes": self.attributes,
                    },
                }],
            },
        });
        if !self.name.is_empty() {
            meta::metadata(&mut pod).insert("name".to_owned(), self.name.clone().into());
        }
        if let Some(group) = self.fs_group {
            let spec = meta::field(&mut pod, "spec");
            spec.insert("securityContext".to_owned(), json!({"fsGroup": group}));
        }
        pod
    }
}

/// Lives as long as the pod: publishes its volumes, calls it Running, tears it down.
pub(super) async fn live(context: Context, mut pod: watch::Receiver<PodView>) {
    let object = Object::clone(&pod.borrow().object);
    let uid = meta::uid(&object).to_owned();
    let volumes = InlineVolume::of(&object);
    let names: Vec<String> = volumes.iter().map(|inline| inline.name.clone()).collect();
    let lives: Vec<_> = volumes
        .into_iter()
        .map(|inline| Volume::new(context.clone(), &uid, inline).live(pod.clone()))
        .collect();
    let running = async {
        for name in &names {
            let published = |status: &VolumeStatus| status.phase == Phase::Published;
            context.board.wait(&uid, name, published).await;
        }
        set_running(&context, &object);
        std::future::pending::<()>().await;
    };
    // The volumes live on until they are torn down; a pod without volumes until it is deleted.
    let ended = async {
        join_all(lives).await;
        pod.wait_for(PodView::is_ending).await.is_ok()
    };
    let ended = tokio::select! {
        () = running => false,
        ended = ended => ended,
    };
    if !ended {
        return;
    }
    context.tokens.forget(&uid);
    if let Err(error) = VolumeFolder::remove_pod(&context.options.root, &uid).await {
        tracing::warn!(%error, pod = uid, "pod folder is not empty");
    }
    let (namespace, name) = (meta::namespace(&object), meta::name(&object));
    let same = context
        .objects
        .read(&PODS, namespace, name)
        .is_some_and(|present| meta::uid(&present) == uid);
    if same && let Err(refused) = context.objects.delete(&PODS, namespace, name) {
        tracing::debug!(%refused, "pod was gone before the kubelet removed it");
    }
}

fn set_running(context: &Context, pod: &Value) {
    let now = clock::seconds(context.now());
    let status = json!({"status": {
        "phase": "Running",
        "conditions": [
            {"type": "Ready", "status": "True", "lastTransitionTime": now},
        ],
    }});
    let (namespace, name) = (meta::namespace(pod), meta::name(pod));
    if let Err(refused) = context
        .objects
        .merge_status(&PODS, namespace, name, &status)
    {
        tracing::debug!(%refused, "pod was gone before it ran");
    }
}

/// Why a pod is not as wanted.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// Not in time; the kubelet's last error says why, if there was one.
    #[error(
        "pod {pod} was not as wanted within {limit:?}: volume {phase:?} after {attempts} attempts"
    )]
    TimedOut {
        pod: String,
        limit: Duration,
        phase: Phase,
        /// How often it was tried to be published.
        attempts: usize,
        /// The last error, if the last call failed.
        source: Option<CallError>,
    },
    #[error("the pod could not be deleted")]
    Refused(#[from] Refused),
    /// The Pod object did not change in time.
    #[error("the pod object was not as wanted")]
    Object(#[from] WaitError),
}

/// A pod that a test or the demo runs. Dropping it leaves the pod alone.
#[derive(Clone, Debug)]
pub struct PodHandle {
    objects: Objects,
    board: Board,
    namespace: String,
    name: String,
    uid: String,
    volume: String,
    folder: VolumeFolder,
}

impl PodHandle {
    pub(super) fn new(
        objects: Objects,
        board: Board,
        root: &Path,
        pod: &Value,
        volume: &str,
    ) -> Self {
        let uid = meta::uid(pod);
        Self {
            objects,
            board,
            namespace: meta::namespace(pod).to_owned(),
            name: meta::name(pod).to_owned(),
            folder: VolumeFolder::new(root, uid, volume),
            uid: uid.to_owned(),
            volume: volume.to_owned(),
        }
    }

    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// The folder that the pod's containers would see.
    pub fn volume_path(&self) -> PathBuf {
        self.folder.target()
    }

    /// The kubelet's view of the volume.
    pub fn status(&self) -> VolumeStatus {
        self.board.read(&self.uid, &self.volume)
    }

    /// Waits until the pod is Running.
    ///
    /// # Errors
    /// If it is not within the limit; the last error of the driver is the source.
    pub async fn wait_ready(&self, limit: Duration) -> Result<(), NotReady> {
        self.wait_for(limit, |status| status.phase == Phase::Published)
            .await?;
        let running = |pod: &Value| {
            meta::uid(pod) == self.uid && meta::text(pod, "/status/phase") == "Running"
        };
        self.objects
            .wait_for(&PODS, Some(&self.namespace), limit, running)
            .await?;
        Ok(())
    }

    /// Waits until the volume's status is as wanted.
    ///
    /// # Errors
    /// If it is not within the limit.
    pub async fn wait_for(
        &self,
        limit: Duration,
        is_wanted: impl Fn(&VolumeStatus) -> bool + Send,
    ) -> Result<VolumeStatus, NotReady> {
        let waited = self.board.wait(&self.uid, &self.volume, is_wanted);
        match tokio::time::timeout(limit, waited).await {
            Ok(status) => Ok(status),
            Err(_elapsed) => {
                let status = self.status();
                Err(NotReady::TimedOut {
                    pod: format!("{}/{}", self.namespace, self.name),
                    limit,
                    phase: status.phase,
                    attempts: status.attempts,
                    source: status.last_error,
                })
            }
        }
    }

    /// Changes an annotation of the pod, which makes the kubelet publish again at once.
    ///
    /// # Errors
    /// If the pod is gone.
    pub fn touch(&self) -> Result<(), Refused> {
        let mark = crate::chance::uid();
        let patch = json!({"metadata": {"annotations": {"devcluster/touched": mark}}});
        self.objects
            .merge(&PODS, &self.namespace, &self.name, &patch)?;
        Ok(())
    }

    /// Deletes the pod and waits until its volume and then the Pod object are gone.
    ///
    /// # Errors
    /// If the pod is not there, or not gone within the limit; the last error of the driver is the
    /// source.
    pub async fn delete(&self, limit: Duration) -> Result<(), NotReady> {
        self.terminate()?;
        self.wait_for(limit, |status| status.phase == Phase::Removed)
            .await?;
        let mine = |pod: &Value| meta::uid(pod) == self.uid;
        self.objects
            .wait_for_none(&PODS, Some(&self.namespace), limit, mine)
            .await?;
        Ok(())
    }

    /// Deletes the pod without waiting.
    ///
    /// # Errors
    /// If the pod is not there.
    pub fn terminate(&self) -> Result<(), Refused> {
        self.objects.terminate(&PODS, &self.namespace, &self.name)
    }
}
