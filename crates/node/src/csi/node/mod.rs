//! The CSI Node service.
//!
//! Owns what is said to the kubelet about volumes; asks [`Lifecycle`] for everything else.
//! Invariant: if the kubelet gives up on a call, or a stopping process ends it early, only the
//! waiting is cancelled. Each call is logged once, with the volume and the pod, never with a
//! context or secrets.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

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
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::confidential::Confidential;
use super::deadline::publish_limit;
use super::publish::{self, PublishRequestError};
use super::status;
use crate::installation::Installation;
use crate::lifecycle::{Lifecycle, PublishError};
use crate::spec::{TargetPath, VolumeId};
use svid_client::clock::Clock;

/// The CSI Node service for the volumes that `L` manages.
#[derive(Debug)]
pub struct NodeService<L> {
    lifecycle: Arc<L>,
    clock: Arc<dyn Clock>,
    installation: Arc<Installation>,
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
            shutdown,
        }
    }

    async fn publish(&self, request: Confidential, limit: Duration) -> Result<(), Status> {
        let outcome = async {
            match publish::parse(&request, &self.installation, self.clock.now()) {
                Ok(understood) => {
                    drop(request);
                    let published = self.lifecycle.publish(understood, limit).await;
                    published.map_err(|error| status::publish_failed(&error))
                }
                Err(error) => timeout(limit, self.malformed(&request, &error))
                    .await
                    .unwrap_or_else(|_elapsed| Err(status::publish_failed(&PublishError::Busy))),
            }
        };
        self.shutdown
            .run_until_cancelled(outcome)
            .await
            .unwrap_or(Err(status::stopping()))
    }

    /// A final code makes the kubelet forget a volume for good, so one is returned only if there is
    /// no volume to forget.
    async fn malformed(
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
                .publish_malformed(&volume, error.to_string())
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
        let limit = publish_limit(request.metadata());
        let request = Confidential::new(request.into_inner());
        let volume = request.volume_id.clone();
        let pod = match publish::pod_for_logs(&request) {
            Some((namespace, name)) => format!("{namespace}/{name}"),
            None => String::new(),
        };
        let outcome = self.publish(request, limit).await;
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
