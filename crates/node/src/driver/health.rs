//! Whether the driver does its work, for probes.
//!
//! Owns what ready and alive mean: ready, that the kubelet can start pods with us; alive, that a
//! call through the socket that the kubelet uses is answered. Nothing outside of this node counts.
//! Liveness does not depend on the kubelet's verdict either, since a process that ends loses the
//! tokens of its pods and would be refused again. Invariant: no check takes longer than
//! [`PROBE_LIMIT`].

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use hyper_util::rt::TokioIo;
use svid_api::csi::v1::ProbeRequest;
use svid_api::csi::v1::identity_client::IdentityClient;
use svid_core::text::one_line;
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tonic::transport::Endpoint;
use tower::service_fn;

use crate::serving::RegistrationState;
use crate::socket;

/// What a driver that runs is asked by probes. Cheap to clone.
#[derive(Clone)]
pub struct DriverHealth {
    /// The socket that the kubelet calls.
    socket: Arc<Path>,
    /// Whether the volumes of the process before were taken up.
    recovered: watch::Receiver<bool>,
    /// None if a sidecar registers us.
    registration: Option<watch::Receiver<RegistrationState>>,
    begun: Instant,
}

/// Why the driver is not ready or not alive.
#[derive(Debug, thiserror::Error)]
pub enum Unhealthy {
    /// Nothing is served yet.
    #[error("the volumes of the process before are still being taken up")]
    Recovering,
    /// The disk or the kernel does not answer, most likely.
    #[error(
        "taking up the volumes of the process before has not ended within {} s: is the disk of \
         --data-root, or a mount below the kubelet's folder, stuck?",
        RECOVERY_LIMIT.as_secs()
    )]
    RecoveryStuck,
    /// Nobody listens.
    #[error("connecting to {path:?}: {reason}")]
    Connect {
        /// The socket.
        path: PathBuf,
        /// The system's error.
        reason: io::Error,
    },
    /// Another process has the path, so the kubelet calls that one.
    #[error("another process serves {path:?}: is there a second driver of this name on the node?")]
    Replaced {
        /// The socket.
        path: PathBuf,
    },
    /// Something answers, and not as a driver does.
    #[error("calling Probe through {path:?}: {reason}")]
    Call {
        /// The socket.
        path: PathBuf,
        /// What was answered.
        reason: String,
    },
    /// The event loop or the socket's task is stuck.
    #[error("calling Probe through {path:?}: no answer within {} s", PROBE_LIMIT.as_secs())]
    Silent {
        /// The socket.
        path: PathBuf,
    },
    /// The kubelet has not found the socket.
    #[error(
        "not registered: the kubelet has not called {path:?} yet; is it in the kubelet's folder \
         plugins_registry (--kubelet-registration-dir)?"
    )]
    Unheard {
        /// The socket.
        path: PathBuf,
    },
    /// The kubelet found it and does not want it.
    #[error("not registered: the kubelet refused: {reason}")]
    Refused {
        /// In the kubelet's words.
        reason: String,
    },
}

impl fmt::Debug for DriverHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DriverHealth")
            .field("socket", &self.socket)
            .finish_non_exhaustive()
    }
}

impl DriverHealth {
    /// Of a driver that begins now to take up volumes.
    pub(super) fn new(
        socket: &Path,
        recovered: watch::Receiver<bool>,
        registration: Option<watch::Receiver<RegistrationState>>,
    ) -> Self {
        Self {
            socket: socket.into(),
            recovered,
            registration,
            begun: Instant::now(),
        }
    }

    /// Whether the kubelet can start pods with this process: the volumes of the one before were
    /// taken up, its calls are answered, and it has registered us where that is our business.
    ///
    /// # Errors
    /// The first of these that is not so.
    pub async fn ready(&self) -> Result<(), Unhealthy> {
        if !*self.recovered.borrow() {
            return Err(Unhealthy::Recovering);
        }
        self.probe().await?;
        let state = self.registration.as_ref();
        match state.map(|state| state.borrow().clone()) {
            None | Some(RegistrationState::Registered) => Ok(()),
            Some(RegistrationState::Unheard) => Err(Unhealthy::Unheard { path: self.path() }),
            Some(RegistrationState::Refused(reason)) => Err(Unhealthy::Refused { reason }),
        }
    }

    /// Whether this process answers the kubelet's calls. While volumes are taken up it need not
    /// yet, up to a deadline. Another process that has taken over our socket is no reason to end
    /// this one: the two would take it from each other for ever.
    ///
    /// # Errors
    /// If a new process may do better.
    pub async fn alive(&self) -> Result<(), Unhealthy> {
        if !*self.recovered.borrow() {
            return if self.begun.elapsed() < RECOVERY_LIMIT {
                Ok(())
            } else {
                Err(Unhealthy::RecoveryStuck)
            };
        }
        match self.probe().await {
            Err(Unhealthy::Replaced { .. }) => Ok(()),
            other => other,
        }
    }

    /// Calls ourselves as the kubelet does.
    async fn probe(&self) -> Result<(), Unhealthy> {
        let stream = self.connect().map_err(|reason| Unhealthy::Connect {
            path: self.path(),
            reason,
        })?;
        // Kernels that say no process are believed.
        let server = stream.peer_cred().ok().and_then(|server| server.pid());
        if server.is_some_and(|server| i64::from(server) != i64::from(std::process::id())) {
            return Err(Unhealthy::Replaced { path: self.path() });
        }
        match timeout(PROBE_LIMIT, call(stream)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(reason)) => Err(Unhealthy::Call {
                path: self.path(),
                reason,
            }),
            Err(_elapsed) => Err(Unhealthy::Silent { path: self.path() }),
        }
    }

    fn connect(&self) -> io::Result<UnixStream> {
        UnixStream::from_std(socket::connect(&self.socket)?)
    }

    fn path(&self) -> PathBuf {
        self.socket.to_path_buf()
    }
}

/// The call Probe of the CSI Identity service, over a connection of its own.
async fn call(stream: UnixStream) -> Result<(), String> {
    let mut stream = Some(TokioIo::new(stream));
    let connect = service_fn(move |_: Uri| {
        let stream = stream.take().ok_or(io::ErrorKind::NotConnected);
        async move { Ok::<_, io::Error>(stream?) }
    });
    let channel = Endpoint::from_static("http://localhost")
        .connect_with_connector(connect)
        .await
        .map_err(|error| one_line(&error.to_string(), REASON_LIMIT))?;
    let answer = IdentityClient::new(channel).probe(ProbeRequest {}).await;
    match answer {
        Ok(answer) if answer.get_ref().ready != Some(false) => Ok(()),
        Ok(_not_ready) => Err("it says that it is not ready".to_owned()),
        Err(status) => Err(one_line(status.message(), REASON_LIMIT)),
    }
}

/// A kubelet's probe waits for five seconds in the chart. Halved, a node under load loses drivers.
const PROBE_LIMIT: Duration = Duration::from_secs(2);

/// A thousand records of another boot on a slow disk take less. Halved, a slow disk has the driver
/// killed in the middle, and the next one begins again.
const RECOVERY_LIMIT: Duration = Duration::from_secs(300);

/// Bytes.
const REASON_LIMIT: usize = 1000;

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::serving::fixture::Running;

    fn health(
        running: &Running,
        recovered: bool,
        state: Option<RegistrationState>,
    ) -> (DriverHealth, watch::Sender<bool>) {
        let (recovery, recovered) = watch::channel(recovered);
        // A receiver keeps the last value after its sender is gone.
        let registration = state.map(|state| watch::channel(state).1);
        let health = DriverHealth::new(&running.registration(), recovered, registration);
        (health, recovery)
    }

    #[tokio::test]
    async fn ready_means_taken_up_and_answered_and_registered() {
        let running = Running::start();
        for (recovered, registration, expected) in [
            (true, None, "ready"),
            (true, Some(RegistrationState::Registered), "ready"),
            (
                false,
                Some(RegistrationState::Registered),
                "still being taken up",
            ),
            (true, Some(RegistrationState::Unheard), "has not called"),
            (
                true,
                Some(RegistrationState::Refused("no node".to_owned())),
                "the kubelet refused: no node",
            ),
        ] {
            let (health, _recovery) = health(&running, recovered, registration);

            let said = match health.ready().await {
                Ok(()) => "ready".to_owned(),
                Err(error) => error.to_string(),
            };

            assert!(said.contains(expected), "{said:?} instead of {expected:?}");
            // The kubelet's verdict is no reason to end.
            health.alive().await.unwrap();
        }
        running.stop().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_socket_that_nobody_answers_at_is_neither_ready_nor_alive() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("csi.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let (_recovery, recovered) = watch::channel(true);
        let health = DriverHealth::new(&path, recovered, None);

        let error = health.alive().await.unwrap_err();

        assert!(matches!(error, Unhealthy::Silent { .. }), "{error}");
        assert!(health.ready().await.is_err());
        drop(listener);
        let error = health.alive().await.unwrap_err();
        assert!(matches!(error, Unhealthy::Connect { .. }), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn taking_up_volumes_has_a_deadline() {
        let (recovery, recovered) = watch::channel(false);
        let nowhere = Path::new("/nonexistent/csi.sock");
        let health = DriverHealth::new(nowhere, recovered, None);

        tokio::time::advance(RECOVERY_LIMIT / 2).await;
        health.alive().await.unwrap();
        tokio::time::advance(RECOVERY_LIMIT).await;

        let error = health.alive().await.unwrap_err();
        assert!(matches!(error, Unhealthy::RecoveryStuck), "{error}");
        drop(recovery);
    }
}
