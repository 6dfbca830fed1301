//! Calls to a driver's socket: a new connection for each, a deadline on each.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use svid_api::csi::v1::node_client::NodeClient;
use svid_api::csi::v1::node_service_capability::{Type, rpc};
use svid_api::csi::v1::{
    NodeGetCapabilitiesRequest, NodeGetInfoRequest, NodePublishVolumeRequest,
    NodeUnpublishVolumeRequest,
};
use svid_api::registration::v1::registration_client::RegistrationClient;
use svid_api::registration::v1::{InfoRequest, PluginInfo, RegistrationStatus};
use tokio::time::Instant;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status};

/// A Unix socket with a driver behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsiSocket {
    path: PathBuf,
}

#[derive(Clone, Debug, thiserror::Error)]
#[error("{call} failed: {code:?}: {message}")]
pub struct CallError {
    pub call: &'static str,
    /// The code that the driver answered; for a broken connection what a Go client makes of it.
    pub code: Code,
    pub message: String,
}

/// What an error of a first publish means to the kubelet (`isFinalError` in `pkg/volume/csi`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finality {
    /// The volume is certainly not there: it is forgotten and never unpublished.
    Final,
    /// It may be there: it is unpublished when the pod goes.
    Uncertain,
}

impl CallError {
    /// What this error means to the kubelet.
    pub(super) fn finality(&self) -> Finality {
        match self.code {
            Code::Cancelled
            | Code::DeadlineExceeded
            | Code::Unavailable
            | Code::ResourceExhausted
            | Code::Aborted => Finality::Uncertain,
            Code::Ok
            | Code::Unknown
            | Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::Internal
            | Code::DataLoss
            | Code::Unauthenticated => Finality::Final,
        }
    }
}

impl CsiSocket {
    /// The socket at a path, which may be written `unix://PATH`.
    pub fn new(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let path = path
            .to_str()
            .and_then(|text| text.strip_prefix("unix://"))
            .map_or(path, Path::new);
        Self {
            path: path.to_owned(),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) async fn publish(
        &self,
        request: NodePublishVolumeRequest,
        by: Instant,
    ) -> Result<(), CallError> {
        self.node(
            "NodePublishVolume",
            by,
            request,
            |mut node, request| async move { node.node_publish_volume(request).await },
        )
        .await
        .map(drop)
    }

    pub(super) async fn unpublish(
        &self,
        request: NodeUnpublishVolumeRequest,
        by: Instant,
    ) -> Result<(), CallError> {
        self.node(
            "NodeUnpublishVolume",
            by,
            request,
            |mut node, request| async move { node.node_unpublish_volume(request).await },
        )
        .await
        .map(drop)
    }

    /// NodeGetCapabilities: whether the driver has this one.
    pub(super) async fn has(&self, wanted: rpc::Type, by: Instant) -> Result<bool, CallError> {
        let request = NodeGetCapabilitiesRequest {};
        let answer = self
            .node(
                "NodeGetCapabilities",
                by,
                request,
                |mut node, request| async move { node.node_get_capabilities(request).await },
            )
            .await?;
        Ok(answer.capabilities.iter().any(|capability| {
            matches!(&capability.r#type, Some(Type::Rpc(rpc)) if rpc.r#type == wanted as i32)
        }))
    }

    /// NodeGetInfo: the driver's name for this node.
    pub(super) async fn node_id(&self, by: Instant) -> Result<String, CallError> {
        let request = NodeGetInfoRequest {};
        let answer = self
            .node("NodeGetInfo", by, request, |mut node, request| async move {
                node.node_get_info(request).await
            })
            .await?;
        Ok(answer.node_id)
    }

    pub(super) async fn plugin_info(&self, by: Instant) -> Result<PluginInfo, CallError> {
        self.call("GetInfo", by, InfoRequest {}, |channel, request| async move {
            RegistrationClient::new(channel).get_info(request).await
        })
        .await
    }

    pub(super) async fn notify(
        &self,
        status: RegistrationStatus,
        by: Instant,
    ) -> Result<(), CallError> {
        self.call(
            "NotifyRegistrationStatus",
            by,
            status,
            |channel, request| async move {
                let mut client = RegistrationClient::new(channel);
                client.notify_registration_status(request).await
            },
        )
        .await
        .map(drop)
    }

    async fn node<M, A, F>(
        &self,
        call: &'static str,
        by: Instant,
        message: M,
        run: impl FnOnce(NodeClient<Channel>, Request<M>) -> F,
    ) -> Result<A, CallError>
    where
        F: Future<Output = Result<Response<A>, Status>>,
    {
        self.call(call, by, message, |channel, request| {
            run(NodeClient::new(channel), request)
        })
        .await
    }

    async fn call<M, A, F>(
        &self,
        call: &'static str,
        by: Instant,
        message: M,
        run: impl FnOnce(Channel, Request<M>) -> F,
    ) -> Result<A, CallError>
    where
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let failed = |code, message: String| CallError {
            call,
            code,
            message,
        };
        let work = async {
            let endpoint = Endpoint::try_from(format!("unix://{}", self.path.display()))
                .map_err(|error| failed(Code::Unavailable, error.to_string()))?;
            let channel = endpoint.connect().await.map_err(|error| {
                failed(
                    Code::Unavailable,
                    format!("{}: {}", self.path.display(), chain(&error)),
                )
            })?;
            let mut request = Request::new(message);
            request.set_timeout(by.saturating_duration_since(Instant::now()));
            let answer = run(channel, request).await;
            answer
                .map(Response::into_inner)
                .map_err(|status| failed(code(&status, by), status.message().to_owned()))
        };
        match tokio::time::timeout_at(by, work).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err(failed(
                Code::DeadlineExceeded,
                "context deadline exceeded".to_owned(),
            )),
        }
    }
}

/// What a Go client would report. The deadline, which both ends know, is reported in other codes
/// here. A status that has a source was made by the transport, where a Go client says Unavailable.
fn code(status: &Status, by: Instant) -> Code {
    let late = by.saturating_duration_since(Instant::now()) < DEADLINE_SLACK;
    if late && matches!(status.code(), Code::Cancelled | Code::DeadlineExceeded) {
        Code::DeadlineExceeded
    } else if std::error::Error::source(status).is_some() {
        Code::Unavailable
    } else {
        status.code()
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}

/// How long before the deadline the other end may already have given up on its account.
const DEADLINE_SLACK: Duration = Duration::from_millis(20);
