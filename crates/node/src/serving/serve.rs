//! What is served where, and how that begins and ends.
//!
//! | socket | services |
//! | --- | --- |
//! | `--endpoint` | CSI Identity and Node |
//! | `<kubelet-registration-dir>/<driver-name>@reg.sock` | plugin registration, CSI Identity and Node |

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use svid_api::csi::v1::identity_server::IdentityServer;
use svid_api::csi::v1::node_server::NodeServer;
use svid_api::registration::v1::registration_server::RegistrationServer;
use svid_core::names::DriverName;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use super::registrar::{Registrar, RegistrationState};
use crate::csi::{InfoService, NodeService};
use crate::installation::Installation;
use crate::lifecycle::Lifecycle;
use crate::socket::{MissingFolder, Socket, SocketError, SocketListener};
use svid_client::clock::Clock;

/// The sockets, bound, and what will be served on them.
#[derive(Debug)]
#[must_use = "a server serves nothing until it is run"]
pub struct Server<L> {
    endpoint: Socket,
    registration: Option<Socket>,
    installation: Arc<Installation>,
    lifecycle: Arc<L>,
    clock: Arc<dyn Clock>,
    registered: watch::Sender<RegistrationState>,
}

/// Why a socket could not be bound. The text names the flag.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The CSI socket.
    #[error("--endpoint: {0}")]
    Endpoint(SocketError),
    /// The registration socket.
    #[error("--kubelet-registration-dir: {0}")]
    Registration(SocketError),
}

/// Why serving ended before it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The runtime cannot watch a socket.
    #[error("listening on {path:?} failed: {reason}")]
    Listen {
        /// The socket's path.
        path: PathBuf,
        /// The system's error.
        reason: io::Error,
    },
    /// The gRPC server ended.
    #[error("serving gRPC on {path:?} failed: {reason}")]
    Grpc {
        /// The socket's path.
        path: PathBuf,
        /// The server's error.
        reason: tonic::transport::Error,
    },
}

impl<L: Lifecycle> Server<L> {
    /// Binds the CSI socket and, if there is a `registration_dir`, which is the kubelet's folder of
    /// plugin sockets, the registration socket in it, so that a wrong path is found before anything
    /// is begun. Calls wait in the kernel until [`Server::run`].
    ///
    /// # Errors
    /// If something that is not a socket occupies a path, or the system refuses.
    pub fn bind(
        endpoint: &Path,
        registration_dir: Option<&Path>,
        installation: Arc<Installation>,
        lifecycle: Arc<L>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, BindError> {
        let endpoint =
            Socket::bind(endpoint, MissingFolder::Create).map_err(BindError::Endpoint)?;
        // Last: once it is there, the kubelet begins to call.
        let registration = registration_dir
            .map(|folder| folder.join(registration_name(&installation.driver_name)))
            .map(|path| Socket::bind(&path, MissingFolder::Refuse))
            .transpose()
            .map_err(BindError::Registration)?;
        let registered = watch::Sender::new(RegistrationState::Unheard);
        Ok(Self {
            endpoint,
            registration,
            installation,
            lifecycle,
            clock,
            registered,
        })
    }

    /// The kubelet's last report about our registration.
    pub fn registration(&self) -> watch::Receiver<RegistrationState> {
        self.registered.subscribe()
    }

    /// Where the kubelet calls: the registration socket if there is one.
    pub fn called_at(&self) -> &Path {
        self.registration.as_ref().unwrap_or(&self.endpoint).path()
    }

    /// Serves until `shutdown`; then the sockets are removed, pending publishes are answered
    /// Unavailable, and other calls get five seconds to finish.
    ///
    /// # Errors
    /// If one of the sockets cannot be served; the other is ended too.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), ServeError> {
        let shutdown = shutdown.child_token();
        let node = NodeService::new(
            self.lifecycle,
            self.clock,
            Arc::clone(&self.installation),
            shutdown.clone(),
        );
        let info = InfoService(Arc::clone(&self.installation));
        let csi = Routes::new(NodeServer::new(node)).add_service(IdentityServer::new(info));
        let registered = self.registered.clone();
        let registrar = Registrar::new(self.installation, self.registered);
        let all = csi.clone().add_service(RegistrationServer::new(registrar));
        // The kubelet forgets a driver with its socket.
        let forgotten = move || drop(registered.send_replace(RegistrationState::Unheard));
        let registration = async {
            match self.registration {
                Some(socket) => serve(socket, all, forgotten, &shutdown).await,
                None => Ok(()),
            }
        };
        let endpoint = serve(self.endpoint, csi, || {}, &shutdown);
        let (endpoint, registration) = tokio::join!(endpoint, registration);
        endpoint.and(registration)
    }
}

/// The name of the registration socket in the kubelet's folder.
///
/// The kubelet's registration client (`pluginmanager/operationexecutor`) sends the socket's path,
/// percent-encoded, as the HTTP/2 `:authority`. RFC 3986, section 3.2, allows that in the userinfo
/// but not in the host, and h2 refuses it there; an `@` in the file's name makes it userinfo.
pub fn registration_name(driver_name: &DriverName) -> String {
    format!("{driver_name}@reg.sock")
}

/// Serves `routes` on `socket` until `shutdown`, which it triggers if it must end earlier. `lost`
/// is called each time that callers of its path do not find it any more.
async fn serve(
    socket: Socket,
    routes: Routes,
    lost: impl Fn() + Send + Sync + 'static,
    shutdown: &CancellationToken,
) -> Result<(), ServeError> {
    let path = socket.path().to_owned();
    let _end_the_others = shutdown.clone().drop_guard();
    let listener = SocketListener::new(socket).map_err(|reason| ServeError::Listen {
        path: path.clone(),
        reason,
    })?;
    let listener = listener.when_lost(lost);
    let (taken, connections) = mpsc::channel(HANDED_OVER);
    let connections = ReceiverStream::new(connections).map(Ok::<_, io::Error>);
    tracing::info!("serving on {}", path.display());
    let server = tonic::transport::Server::builder()
        .add_routes(routes)
        .serve_with_incoming_shutdown(connections, shutdown.cancelled());
    let server = async {
        tokio::select! {
            served = server => served,
            () = overdue(shutdown) => Ok(()),
        }
    };
    let ((), served) = tokio::join!(hand_over(listener, taken, shutdown), server);
    served.map_err(|reason| ServeError::Grpc { path, reason })
}

/// Hands every connection over until `shutdown`, or until nobody takes them. Then the path is
/// removed first, so that nobody finds a socket that does not answer.
async fn hand_over(
    mut listener: SocketListener,
    taken: mpsc::Sender<UnixStream>,
    shutdown: &CancellationToken,
) {
    while let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok(stream) => {
                if taken.send(stream).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                let path = listener.path().display();
                tracing::warn!("accepting a connection on {path} failed: {error}");
                sleep(PAUSE).await;
            }
        }
    }
}

/// A caller that neither finishes nor hangs up must not keep the process alive.
async fn overdue(shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    sleep(GRACE).await;
}

/// Unpublishing takes a few system calls; everything else takes fewer.
const GRACE: Duration = Duration::from_secs(5);

/// After an error of accept, which would otherwise recur at once.
const PAUSE: Duration = Duration::from_millis(500);

/// Connections between accept and gRPC; more wait in the kernel.
const HANDED_OVER: usize = 16;
