//! The kubelet's plugin registration service (`pluginregistration.Registration`, version 1).

use std::sync::Arc;

use svid_api::registration::v1::registration_server::Registration;
use svid_api::registration::v1::{
    InfoRequest, PluginInfo, RegistrationStatus, RegistrationStatusResponse,
};
use svid_core::text::one_line;
use tokio::sync::watch;
use tonic::{Request, Response, Status};

use crate::installation::Installation;

/// The kubelet's last report about our registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrationState {
    /// Nothing yet: it has not found the socket.
    Unheard,
    /// Pods that use the driver can be started on this node.
    Registered,
    /// Why it refused. It tries again with a backoff of up to two minutes.
    Refused(String),
}

/// Introduces the driver to the kubelet and remembers the kubelet's answer.
#[derive(Debug)]
pub(super) struct Registrar {
    installation: Arc<Installation>,
    state: watch::Sender<RegistrationState>,
}

impl Registrar {
    pub(super) fn new(
        installation: Arc<Installation>,
        state: watch::Sender<RegistrationState>,
    ) -> Self {
        Self {
            installation,
            state,
        }
    }
}

#[tonic::async_trait]
impl Registration for Registrar {
    /// An empty endpoint makes the kubelet use the socket that it called on.
    async fn get_info(&self, _: Request<InfoRequest>) -> Result<Response<PluginInfo>, Status> {
        Ok(Response::new(PluginInfo {
            r#type: "CSIPlugin".to_owned(),
            name: self.installation.driver_name.to_string(),
            endpoint: String::new(),
            supported_versions: vec!["1.0.0".to_owned()],
        }))
    }

    /// A refusal is not a reason to end: the kubelet tries again, and ending would lose the tokens
    /// of the volumes that are already there.
    async fn notify_registration_status(
        &self,
        request: Request<RegistrationStatus>,
    ) -> Result<Response<RegistrationStatusResponse>, Status> {
        let RegistrationStatus {
            plugin_registered,
            error,
        } = request.into_inner();
        let driver = &self.installation.driver_name;
        let state = if plugin_registered {
            tracing::info!(%driver, "registered with the kubelet");
            RegistrationState::Registered
        } else {
            let reason = one_line(&error, REASON_LIMIT);
            tracing::error!(%driver, ?reason, "the kubelet refused the registration");
            RegistrationState::Refused(reason)
        };
        self.state.send_replace(state);
        Ok(Response::new(RegistrationStatusResponse {}))
    }
}

/// Bytes.
const REASON_LIMIT: usize = 1000;
