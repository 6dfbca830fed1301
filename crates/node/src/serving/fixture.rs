//! The sockets without a driver behind them, for tests.

use std::future::{Future, pending};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::installation;
use crate::lifecycle::{Lifecycle, PublishError, UnpublishError};
use crate::spec::{PublishRequest, TargetPath, VolumeId};
use svid_client::clock::Clock;

pub(super) const DRIVER: &str = "spiffe.csi.cert-manager.io";
pub(super) const LIMIT: Duration = Duration::from_secs(20);

/// Volumes whose unpublish never ends.
#[derive(Debug)]
pub(super) struct Stuck;

impl Lifecycle for Stuck {
    async fn is_known(&self, _: &VolumeId, _: Option<&TargetPath>) -> bool {
        false
    }

    async fn publish(&self, _: PublishRequest, _: Duration) -> Result<(), PublishError> {
        pending().await
    }

    async fn publish_malformed(&self, _: &VolumeId, _: String) -> Result<(), PublishError> {
        Ok(())
    }

    async fn unpublish(&self, _: VolumeId, _: TargetPath) -> Result<(), UnpublishError> {
        pending().await
    }
}

#[derive(Debug)]
struct NoClock;

impl Clock for NoClock {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn sleep_until(&self, _: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(pending())
    }
}

/// Sockets that are served, as a kubelet finds them.
pub(crate) struct Running {
    scratch: TempDir,
    pub(super) registered: watch::Receiver<RegistrationState>,
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), ServeError>>,
}

impl Running {
    pub(crate) fn start() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::create_dir(scratch.path().join("plugins_registry")).unwrap();
        let server = bind(scratch.path()).unwrap();
        let registered = server.registration();
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(server.run(shutdown.clone()));
        Self {
            scratch,
            registered,
            shutdown,
            task,
        }
    }

    pub(crate) fn endpoint(&self) -> PathBuf {
        self.scratch.path().join("plugin/csi.sock")
    }

    pub(crate) fn registration(&self) -> PathBuf {
        self.scratch
            .path()
            .join("plugins_registry")
            .join(format!("{DRIVER}@reg.sock"))
    }

    pub(crate) async fn stop(self) {
        let sockets = [self.endpoint(), self.registration()];
        self.shutdown.cancel();
        let ended = tokio::time::timeout(LIMIT, self.task)
            .await
            .expect("ends in time");
        ended.unwrap().unwrap();
        for socket in sockets {
            assert!(!socket.exists(), "{socket:?} is left");
        }
    }
}

pub(super) fn bind(folder: &Path) -> Result<Server<Stuck>, BindError> {
    Server::bind(
        &folder.join("plugin/csi.sock"),
        Some(&folder.join("plugins_registry")),
        Arc::new(installation::fixture()),
        Arc::new(Stuck),
        Arc::new(NoClock),
    )
}
