//! The CSI Identity service. It is called `info` here, since identity means SPIFFE ID elsewhere.
//!
//! Owns what the driver says about itself. Invariant: no answer depends on anything outside this
//! process; a Probe that failed together with the API server would get every driver killed, and the
//! tokens it holds lost.

use std::sync::Arc;

use svid_api::csi::v1::identity_server::Identity;
use svid_api::csi::v1::{
    GetPluginCapabilitiesRequest, GetPluginCapabilitiesResponse, GetPluginInfoRequest,
    GetPluginInfoResponse, ProbeRequest, ProbeResponse,
};
use tonic::{Request, Response, Status};

use crate::installation::Installation;

/// The CSI Identity service.
#[derive(Clone, Debug)]
pub struct InfoService(pub Arc<Installation>);

#[tonic::async_trait]
impl Identity for InfoService {
    async fn get_plugin_info(
        &self,
        _: Request<GetPluginInfoRequest>,
    ) -> Result<Response<GetPluginInfoResponse>, Status> {
        Ok(Response::new(GetPluginInfoResponse {
            name: self.0.driver_name.to_string(),
            vendor_version: VERSION.to_owned(),
            ..GetPluginInfoResponse::default()
        }))
    }

    /// None: there is no controller, and nodes need no topology.
    async fn get_plugin_capabilities(
        &self,
        _: Request<GetPluginCapabilitiesRequest>,
    ) -> Result<Response<GetPluginCapabilitiesResponse>, Status> {
        Ok(Response::new(GetPluginCapabilitiesResponse::default()))
    }

    /// Always ready: that this answer arrives shows that the event loop and the socket work.
    async fn probe(&self, _: Request<ProbeRequest>) -> Result<Response<ProbeResponse>, Status> {
        Ok(Response::new(ProbeResponse { ready: Some(true) }))
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");
