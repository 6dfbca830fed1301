//! The CSI Node service.
//!
//! Owns what is said to the kubelet about volumes; asks [`Lifecycle`] for everything else.
//! Invariant: if the kubelet gives up on a call, or a stopping process ends it early, only the
//! waiting is cancelled. Each call is logged once, with the volume and the pod, never with a
//! context or secrets.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use svid_api::csi::v1::node_server::Node;
use svid_api::csi::v1::node_service_capability::rpc::Type as Capability;
use svid_api::csi::v1::node_service_capability::{Rpc, Type};
use svid_api::csi::v1::{
    NodeExpandVolumeRequest, NodeExpandVolumeResponse, NodeGetCapabilitiesRequest,
    NodeGetCapabilitiesResponse, NodeGetInfoRequest, NodeGetInfoResponse,
    NodeGetStorageHealthRequest, NodeGetStorageHealthResponse, NodeGetVolumeHealthRequest,
    NodeGetVolumeHealthResponse, NodeGetVolumeStatsRequest, NodeGetVolumeStatsResponse,
    NodePublishVolumeRequest, NodePublishVolumeResponse, NodeServiceCapability,
    NodeStageVolumeRequest, NodeStageVolumeResponse, NodeUnpublishVolumeRequest,
    NodeUnpublishVolumeResponse, NodeUnstageVolumeRequest, NodeUnstageVolumeResponse,
};
use svid_core::text::quote;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::deadline::publish_limit;
use super::publish::{self, PublishRequestError};
use super::status;
use crate::installation::Installation;
use crate::lifecycle::Lifecycle;
use crate::wish::{TargetPath, VolumeId};
use svid_client::clock::Clock;

/// The CSI Node service for the volumes that `L` manages.
#[derive(Debug)]
pub struct NodeService<L> {
    lifecycle: Arc<L>,
    clock: Arc<dyn Clock>,
    installation: Arc<Installation>,
    publishes: Semaphore,
    shutdown: CancellationToken,
}

impl<L: Lifecycle> NodeService<L> {
    /// A service that hands parsed calls to `lifecycle`. `shutdown` ends waiting publishes, so that
    /// the process can end.
    pub fn new(
        lifecycle: Arc<L>,
        clock: Arc<dyn Clock>,
        installation: Arc<Installation>,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            lifecycle,
            clock,
            installation,
            publishes: Semaphore::new(PUBLISHES_AT_ONCE),
            shutdown,
        }
    }

    async fn publish(&self, request: Request<NodePublishVolumeRequest>) -> Result<(), Status> {
        let Ok(_permit) = self.publishes.try_acquire() else {
            return Err(status::too_many_calls());
        };
        let limit = publish_limit(request.metadata());
        let request = request.into_inner();
        let outcome = async {
            match publish::parse(&request, &self.installation, self.clock.now()) {
                Ok(request) => self
                    .lifecycle
                    .publish(request, limit)
                    .await
                    .map_err(|error| status::publish_failed(&error)),
                Err(error) => self.misunderstood(&request, &error).await,
            }
        };
        self.shutdown
            .run_until_cancelled(outcome)
            .await
            .unwrap_or(Err(status::stopping()))
    }

    /// A final code makes the kubelet forget a volume for good, so one is returned only if there is
    /// no volume to forget.
    async fn misunderstood(
        &self,
        request: &NodePublishVolumeRequest,
        error: &PublishRequestError,
    ) -> Result<(), Status> {
        let target = TargetPath::parse(&request.target_path).ok();
        if let Ok(volume) = VolumeId::parse(&request.volume_id)
            && self.lifecycle.is_known(&volume, target.as_ref()).await
        {
            return self
                .lifecycle
                .publish_misunderstood(&volume, error.to_string())
                .await
                .map_err(|error| status::publish_failed(&error));
        }
        Err(status::publish_not_understood(error))
    }

    async fn unpublish(&self, request: &NodeUnpublishVolumeRequest) -> Result<(), Status> {
        let refuse = |error| status::unpublish_not_understood(&error);
        let volume = VolumeId::parse(&request.volume_id).map_err(refuse)?;
        let target = TargetPath::parse(&request.target_path).map_err(refuse)?;
        self.lifecycle
            .unpublish(volume, target)
            .await
            .map_err(|error| status::unpublish_failed(&error))
    }
}

#[tonic::async_trait]
impl<L: Lifecycle> Node for NodeService<L> {
    async fn node_publish_volume(
        &self,
        request: Request<NodePublishVolumeRequest>,
    ) -> Result<Response<NodePublishVolumeResponse>, Status> {
        let volume = request.get_ref().volume_id.clone();
        let pod = match publish::pod_for_logs(request.get_ref()) {
            Some((namespace, name)) => format!("{namespace}/{name}"),
            None => String::new(),
        };
        let outcome = self.publish(request).await;
        log("NodePublishVolume", &volume, &pod, &outcome);
        outcome.map(|()| Response::new(NodePublishVolumeResponse {}))
    }

    async fn node_unpublish_volume(
        &self,
        request: Request<NodeUnpublishVolumeRequest>,
    ) -> Result<Response<NodeUnpublishVolumeResponse>, Status> {
        let outcome = self.unpublish(request.get_ref()).await;
        log(
            "NodeUnpublishVolume",
            &request.get_ref().volume_id,
            "",
            &outcome,
        );
        outcome.map(|()| Response::new(NodeUnpublishVolumeResponse {}))
    }

    /// VOLUME_MOUNT_GROUP alone: with it the kubelet sends the pod's fsGroup and leaves the files
    /// to us. Nobody needs the usage and health of a few certificates.
    async fn node_get_capabilities(
        &self,
        _: Request<NodeGetCapabilitiesRequest>,
    ) -> Result<Response<NodeGetCapabilitiesResponse>, Status> {
        let rpc = Rpc {
            r#type: Capability::VolumeMountGroup.into(),
        };
        Ok(Response::new(NodeGetCapabilitiesResponse {
            capabilities: vec![NodeServiceCapability {
                r#type: Some(Type::Rpc(rpc)),
            }],
        }))
    }

    async fn node_get_info(
        &self,
        _: Request<NodeGetInfoRequest>,
    ) -> Result<Response<NodeGetInfoResponse>, Status> {
        Ok(Response::new(NodeGetInfoResponse {
            node_id: self.installation.node_id.to_string(),
            max_volumes_per_node: 0,
            accessible_topology: None,
        }))
    }

    async fn node_stage_volume(
        &self,
        _: Request<NodeStageVolumeRequest>,
    ) -> Result<Response<NodeStageVolumeResponse>, Status> {
        Err(status::unimplemented("NodeStageVolume"))
    }

    async fn node_unstage_volume(
        &self,
        _: Request<NodeUnstageVolumeRequest>,
    ) -> Result<Response<NodeUnstageVolumeResponse>, Status> {
        Err(status::unimplemented("NodeUnstageVolume"))
    }

    async fn node_get_volume_stats(
        &self,
        _: Request<NodeGetVolumeStatsRequest>,
    ) -> Result<Response<NodeGetVolumeStatsResponse>, Status> {
        Err(status::unimplemented("NodeGetVolumeStats"))
    }

    async fn node_get_volume_health(
        &self,
        _: Request<NodeGetVolumeHealthRequest>,
    ) -> Result<Response<NodeGetVolumeHealthResponse>, Status> {
        Err(status::unimplemented("NodeGetVolumeHealth"))
    }

    async fn node_get_storage_health(
        &self,
        _: Request<NodeGetStorageHealthRequest>,
    ) -> Result<Response<NodeGetStorageHealthResponse>, Status> {
        Err(status::unimplemented("NodeGetStorageHealth"))
    }

    async fn node_expand_volume(
        &self,
        _: Request<NodeExpandVolumeRequest>,
    ) -> Result<Response<NodeExpandVolumeResponse>, Status> {
        Err(status::unimplemented("NodeExpandVolume"))
    }
}

/// Where the call was refused, nothing has checked the volume id.
fn log(call: &'static str, volume: &str, pod: &str, outcome: &Result<(), Status>) {
    let volume = quote(volume);
    match outcome {
        Ok(()) => tracing::debug!(call, volume, pod, "done"),
        Err(status) => {
            tracing::debug!(call, volume, pod, code = ?status.code(), "{}", status.message());
        }
    }
}

/// A node has at most a few hundred pods, and the kubelet makes one call per volume at a time; more
/// than this is abuse, and would cost memory.
const PUBLISHES_AT_ONCE: usize = 1024;
