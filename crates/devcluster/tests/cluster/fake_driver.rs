//! A tiny driver: answers as it is told, notes what it was asked, makes and removes the target.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use svid_api::csi::v1::node_server::{Node, NodeServer};
use svid_api::csi::v1::node_service_capability::{Rpc, Type, rpc};
use svid_api::csi::v1::*;
use svid_api::registration::v1::registration_server::{Registration, RegistrationServer};
use svid_api::registration::v1::{
    InfoRequest, PluginInfo, RegistrationStatus, RegistrationStatusResponse,
};
use tokio::net::UnixListener;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::UnixListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::{Code, Request, Response, Status};

/// How the next publish or unpublish ends.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Done,
    Error(Code),
    /// Never, so that the caller's deadline ends it.
    Never,
}

/// What the driver was asked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Asked {
    Capabilities,
    Info,
    Publish(Box<NodePublishVolumeRequest>),
    Unpublish(NodeUnpublishVolumeRequest),
    Registered(RegistrationStatus),
}

/// A running fake. Ends when stopped.
pub(crate) struct FakeDriver {
    state: Arc<State>,
    path: PathBuf,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    replies: Mutex<VecDeque<Reply>>,
    asked: Mutex<Vec<Asked>>,
    capabilities: Mutex<Vec<rpc::Type>>,
    node_id: Mutex<String>,
    name: Mutex<String>,
    endpoint: Mutex<String>,
    concurrent: Mutex<usize>,
}

impl FakeDriver {
    /// Serves Node and Registration on one socket.
    pub(crate) fn start(path: &Path) -> Self {
        std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        let state = Arc::new(State::default());
        state
            .capabilities
            .lock()
            .expect("lock")
            .push(rpc::Type::VolumeMountGroup);
        *state.node_id.lock().expect("lock") = "node-1".to_owned();
        *state.name.lock().expect("lock") = "spiffe.csi.cert-manager.io".to_owned();
        let listener = UnixListener::bind(path).expect("socket");
        let stop = CancellationToken::new();
        let serve = Server::builder()
            .add_service(NodeServer::from_arc(Arc::clone(&state)))
            .add_service(RegistrationServer::from_arc(Arc::clone(&state)))
            .serve_with_incoming_shutdown(
                UnixListenerStream::new(listener),
                stop.clone().cancelled_owned(),
            );
        let task = tokio::spawn(async move { serve.await.expect("served") });
        Self {
            state,
            path: path.to_owned(),
            stop,
            task,
        }
    }

    /// Answers the next publishes and unpublishes like this; after them with success.
    pub(crate) fn reply(&self, replies: impl IntoIterator<Item = Reply>) {
        self.state.replies.lock().expect("lock").extend(replies);
    }

    pub(crate) fn set_node_id(&self, id: &str) {
        *self.state.node_id.lock().expect("lock") = id.to_owned();
    }

    pub(crate) fn drop_capabilities(&self) {
        self.state.capabilities.lock().expect("lock").clear();
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state.asked.lock().expect("lock").clone()
    }

    pub(crate) fn published(&self) -> Vec<NodePublishVolumeRequest> {
        let asked = self.asked().into_iter();
        asked
            .filter_map(|asked| {
                let Asked::Publish(request) = asked else {
                    return None;
                };
                Some(*request)
            })
            .collect()
    }

    pub(crate) fn unpublished(&self) -> usize {
        let asked = self.asked();
        asked
            .iter()
            .filter(|asked| matches!(asked, Asked::Unpublish(_)))
            .count()
    }

    /// Ends as a process that tidies up: no socket is left.
    pub(crate) async fn stop(self) {
        let path = self.path.clone();
        self.kill().await;
        std::fs::remove_file(path).expect("socket removed");
    }

    /// Ends as a process that is killed: the socket file stays.
    pub(crate) async fn kill(self) {
        self.stop.cancel();
        self.task.abort();
        let _aborted = self.task.await;
    }
}

impl State {
    fn note(&self, asked: Asked) {
        self.asked.lock().expect("lock").push(asked);
    }

    async fn answer(&self, done: impl FnOnce()) -> Result<(), Status> {
        {
            let mut concurrent = self.concurrent.lock().expect("lock");
            *concurrent += 1;
            assert_eq!(*concurrent, 1, "calls about one volume never overlap");
        }
        let reply = self.replies.lock().expect("lock").pop_front();
        let outcome = match reply.unwrap_or(Reply::Done) {
            Reply::Done => {
                done();
                Ok(())
            }
            Reply::Error(code) => Err(Status::new(code, "as told")),
            Reply::Never => {
                *self.concurrent.lock().expect("lock") -= 1;
                tokio::time::sleep(Duration::from_secs(3600)).await;
                return Ok(());
            }
        };
        *self.concurrent.lock().expect("lock") -= 1;
        outcome
    }
}

fn unserved<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("not served"))
}

#[tonic::async_trait]
impl Node for State {
    async fn node_publish_volume(
        &self,
        request: Request<NodePublishVolumeRequest>,
    ) -> Result<Response<NodePublishVolumeResponse>, Status> {
        let request = request.into_inner();
        self.note(Asked::Publish(Box::new(request.clone())));
        let target = PathBuf::from(&request.target_path);
        self.answer(|| std::fs::create_dir_all(&target).expect("target"))
            .await?;
        Ok(Response::new(NodePublishVolumeResponse {}))
    }

    async fn node_unpublish_volume(
        &self,
        request: Request<NodeUnpublishVolumeRequest>,
    ) -> Result<Response<NodeUnpublishVolumeResponse>, Status> {
        let request = request.into_inner();
        self.note(Asked::Unpublish(request.clone()));
        let remove = || {
            let removed = std::fs::remove_dir(&request.target_path);
            assert!(removed.is_ok() || !Path::new(&request.target_path).exists());
        };
        self.answer(remove).await?;
        Ok(Response::new(NodeUnpublishVolumeResponse {}))
    }

    async fn node_get_capabilities(
        &self,
        _request: Request<NodeGetCapabilitiesRequest>,
    ) -> Result<Response<NodeGetCapabilitiesResponse>, Status> {
        self.note(Asked::Capabilities);
        let capabilities = self.capabilities.lock().expect("lock").clone();
        let capabilities = capabilities.into_iter().map(|kind| NodeServiceCapability {
            r#type: Some(Type::Rpc(Rpc {
                r#type: kind as i32,
            })),
        });
        Ok(Response::new(NodeGetCapabilitiesResponse {
            capabilities: capabilities.collect(),
        }))
    }

    async fn node_get_info(
        &self,
        _request: Request<NodeGetInfoRequest>,
    ) -> Result<Response<NodeGetInfoResponse>, Status> {
        self.note(Asked::Info);
        Ok(Response::new(NodeGetInfoResponse {
            node_id: self.node_id.lock().expect("lock").clone(),
            ..NodeGetInfoResponse::default()
        }))
    }

    async fn node_stage_volume(
        &self,
        _request: Request<NodeStageVolumeRequest>,
    ) -> Result<Response<NodeStageVolumeResponse>, Status> {
        unserved()
    }

    async fn node_unstage_volume(
        &self,
        _request: Request<NodeUnstageVolumeRequest>,
    ) -> Result<Response<NodeUnstageVolumeResponse>, Status> {
        unserved()
    }

    async fn node_get_volume_stats(
        &self,
        _request: Request<NodeGetVolumeStatsRequest>,
    ) -> Result<Response<NodeGetVolumeStatsResponse>, Status> {
        unserved()
    }

    async fn node_get_volume_health(
        &self,
        _request: Request<NodeGetVolumeHealthRequest>,
    ) -> Result<Response<NodeGetVolumeHealthResponse>, Status> {
        unserved()
    }

    async fn node_get_storage_health(
        &self,
        _request: Request<NodeGetStorageHealthRequest>,
    ) -> Result<Response<NodeGetStorageHealthResponse>, Status> {
        unserved()
    }

    async fn node_expand_volume(
        &self,
        _request: Request<NodeExpandVolumeRequest>,
    ) -> Result<Response<NodeExpandVolumeResponse>, Status> {
        unserved()
    }
}

#[tonic::async_trait]
impl Registration for State {
    async fn get_info(
        &self,
        _request: Request<InfoRequest>,
    ) -> Result<Response<PluginInfo>, Status> {
        Ok(Response::new(PluginInfo {
            r#type: "CSIPlugin".to_owned(),
            name: self.name.lock().expect("lock").clone(),
            endpoint: self.endpoint.lock().expect("lock").clone(),
            supported_versions: vec!["1.0.0".to_owned()],
        }))
    }

    async fn notify_registration_status(
        &self,
        request: Request<RegistrationStatus>,
    ) -> Result<Response<RegistrationStatusResponse>, Status> {
        self.note(Asked::Registered(request.into_inner()));
        Ok(Response::new(RegistrationStatusResponse {}))
    }
}
