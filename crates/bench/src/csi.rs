//! The kubelet's side of the CSI socket: a new connection per call, as the kubelet makes them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::json;
use svid_api::csi::v1::node_client::NodeClient;
use svid_api::csi::v1::volume_capability::access_mode::Mode;
use svid_api::csi::v1::volume_capability::{AccessMode, AccessType, MountVolume};
use svid_api::csi::v1::{NodePublishVolumeRequest, NodeUnpublishVolumeRequest, VolumeCapability};
use tonic::Request;
use tonic::transport::{Channel, Endpoint};

use crate::sample::{Sample, figure};
use crate::workloads::{ACCOUNT, NAMESPACE, Workload};

/// A kubelet's folder, and the socket of the driver.
#[derive(Clone, Debug)]
pub(crate) struct Kubelet {
    pub(crate) folder: PathBuf,
    pub(crate) socket: PathBuf,
}

/// Calls that were made together.
#[derive(Debug)]
pub(crate) struct Calls {
    /// How long each took.
    pub(crate) each: Sample,
    /// From the start of the first to the end of the last.
    pub(crate) all: Duration,
}

impl Calls {
    pub(crate) fn per_second(&self, count: usize) -> f64 {
        figure(count) / self.all.as_secs_f64()
    }
}

impl Kubelet {
    /// Publishes a volume per workload, this many at once.
    pub(crate) async fn publish(&self, workloads: &[Workload], at_once: usize) -> Result<Calls> {
        for workload in workloads {
            let folder = workload.folder(&self.folder);
            std::fs::create_dir_all(&folder)
                .with_context(|| format!("making {}", folder.display()))?;
        }
        timed(workloads, at_once, |workload| self.publish_one(workload)).await
    }

    /// Unpublishes them.
    pub(crate) async fn unpublish(&self, workloads: &[Workload], at_once: usize) -> Result<Calls> {
        timed(workloads, at_once, |workload| self.unpublish_one(workload)).await
    }

    /// Waits until the driver answers on its socket, and gives the time.
    pub(crate) async fn answered(&self, since: Instant) -> Result<Duration> {
        let end = since + LIMIT;
        loop {
            if connect(&self.socket).await.is_ok() {
                return Ok(since.elapsed());
            }
            anyhow::ensure!(Instant::now() < end, "the driver does not serve its socket");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn publish_one(&self, workload: &Workload) -> Result<()> {
        let mut client = NodeClient::new(connect(&self.socket).await?);
        let mut request = Request::new(publish_request(workload, &self.folder));
        request.set_timeout(LIMIT);
        let published = client.node_publish_volume(request).await;
        published.with_context(|| format!("publishing the volume of {}", workload.name))?;
        Ok(())
    }

    async fn unpublish_one(&self, workload: &Workload) -> Result<()> {
        let mut client = NodeClient::new(connect(&self.socket).await?);
        let mut request = Request::new(NodeUnpublishVolumeRequest {
            volume_id: volume_id(workload),
            target_path: target(workload, &self.folder),
        });
        request.set_timeout(LIMIT);
        let unpublished = client.node_unpublish_volume(request).await;
        unpublished.with_context(|| format!("unpublishing the volume of {}", workload.name))?;
        Ok(())
    }
}

async fn timed<'a, F>(
    workloads: &'a [Workload],
    at_once: usize,
    call: impl Fn(&'a Workload) -> F + Send + Sync,
) -> Result<Calls>
where
    F: Future<Output = Result<()>> + Send,
{
    let start = Instant::now();
    let calls = stream::iter(workloads).map(|workload| {
        let call = call(workload);
        async {
            let start = Instant::now();
            call.await?;
            anyhow::Ok(start.elapsed())
        }
    });
    let each: Vec<Duration> = calls.buffer_unordered(at_once).try_collect().await?;
    Ok(Calls {
        each: Sample::new(each),
        all: start.elapsed(),
    })
}

async fn connect(socket: &Path) -> Result<Channel> {
    let endpoint = Endpoint::try_from(format!("unix://{}", socket.display()))?;
    let connected = endpoint.connect().await;
    connected.with_context(|| format!("connecting to {}", socket.display()))
}

/// What the kubelet sends for an inline volume of a driver that asks for pod information and
/// tokens (`pkg/volume/csi/csi_mounter.go`).
fn publish_request(workload: &Workload, kubelet: &Path) -> NodePublishVolumeRequest {
    let tokens = json!({"": {
        "token": workload.token,
        "expirationTimestamp": workload.expiry,
    }});
    let context = [
        ("pod.name", workload.name.clone()),
        ("pod.namespace", NAMESPACE.to_owned()),
        ("pod.uid", workload.uid.clone()),
        ("serviceAccount.name", ACCOUNT.to_owned()),
        ("serviceAccount.tokens", tokens.to_string()),
        ("ephemeral", "true".to_owned()),
    ];
    let context: BTreeMap<String, String> = context
        .into_iter()
        .map(|(key, value)| (format!("csi.storage.k8s.io/{key}"), value))
        .collect();
    NodePublishVolumeRequest {
        volume_id: volume_id(workload),
        target_path: target(workload, kubelet),
        volume_capability: Some(VolumeCapability {
            access_mode: Some(AccessMode {
                mode: Mode::SingleNodeWriter as i32,
            }),
            access_type: Some(AccessType::Mount(MountVolume::default())),
        }),
        readonly: true,
        volume_context: context,
        ..NodePublishVolumeRequest::default()
    }
}

fn volume_id(workload: &Workload) -> String {
    format!("csi-{}", workload.uid)
}

fn target(workload: &Workload, kubelet: &Path) -> String {
    let target = workload.folder(kubelet).join("mount");
    target.to_string_lossy().into_owned()
}

/// The kubelet's patience with a call.
const LIMIT: Duration = Duration::from_secs(120);
