//! The driver as a whole: creates and connects its parts.
//!
//! Owns the order of start and end. Volumes are recovered before the kubelet is served, and the
//! sources of trust, issuer and Events run for as long as any volume may need them. Knows nothing
//! of flags or of HTTP. Invariant: nothing keeps running after [`Driver::run`] has ended.

mod configuration;
mod health;
mod scrape;
mod status;

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use svid_client::ApiClient;
use svid_client::issuer::IssuerSource;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use configuration::Configuration;
pub use health::{DriverHealth, Unhealthy};
pub use status::DriverStatus;

// The types of a configuration's fields.
pub use crate::credential::RequestMode;
pub use crate::installation::{Installation, NodeId, NodeIdError};
pub use crate::lifecycle::{AnchoringPolicy, KeyUsagePolicy, VolumesPerPod, VolumesPerPodError};
pub use crate::serving::registration_name;
// The types of the status.
pub use crate::overview::{
    Events, FileNamesShown, IssuerStatus, KubeletRegistration, Line, Overview, TrustBundleStatus,
    VolumeOverview,
};
pub use crate::socket::{Socket, SocketError, SocketListener, connect};
pub use crate::volume::{
    FileMode, FileModeError, FileNameError, FileNames, RootContext, RootContextError, Selinux,
    VolumeFile,
};

use crate::events::{EventRecorder, EventWriter};
use crate::issuance::{ApiHealth, KubernetesRequests};
use crate::lifecycle::{Context, CreateQueue, RecoverError, TaskPanicked, VolumeTasks};
use crate::metrics::Metrics;
use crate::serving::{BindError, ServeError, Server};
use crate::socket::MissingFolder;
use crate::trust::TrustSource;
use crate::volume::{LinuxVolumes, VolumeError, VolumeOptions};
use svid_client::clock::Clock;

/// Clients for one API server.
#[derive(Clone)]
pub struct DriverClients {
    /// With the driver's own credentials.
    pub driver: ApiClient,
    /// Without credentials, on connections of its own: creates carry their pod's token. Not used if
    /// the driver creates the requests itself.
    pub anonymous: ApiClient,
}

/// Time and chance.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Jitter: a number in `0.0..1.0`.
    pub chance: fn() -> f64,
}

/// A driver that holds its data folder and its sockets, and does nothing yet.
#[must_use = "does nothing until it is run"]
pub struct Driver {
    volumes: VolumeTasks,
    server: Server<VolumeTasks>,
    trust: TrustSource,
    issuer: IssuerSource,
    client: ApiClient,
    events: EventWriter,
    status: DriverStatus,
    health: DriverHealth,
    recovered: watch::Sender<bool>,
    /// Cancelled when the data root is gone.
    lost: CancellationToken,
    stop: CancellationToken,
}

/// Why the driver cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder or mounting failed.
    #[error(transparent)]
    Volumes(#[from] VolumeError),
    /// A socket could not be bound.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The socket for `/status` could not be bound.
    #[error("--data-root: {0}")]
    Status(SocketError),
}

/// Why the driver ended before it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The records of the previous process cannot be read.
    #[error("recovering the existing volumes: {0}")]
    Recover(RecoverError),
    /// A socket failed.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// A bug; a new process resumes all volumes.
    #[error(transparent)]
    Panicked(#[from] TaskPanicked),
    /// Nothing can be written any more; a new process gets a new data root and resumes all volumes
    /// that pods still have.
    #[error("--data-root: the directory was removed while the driver used it")]
    DataRootGone,
}

impl Driver {
    /// Makes the parts. Reads the trust bundle once, opens the data folder, mounts the scratch file
    /// system and binds the sockets; `registry` gets the driver's metrics. Sends nothing. The
    /// socket beside the driver is the one for [`DriverStatus`], to be served by the caller; there
    /// is none where the data folder became read-only.
    ///
    /// # Errors
    /// If the data folder or a socket is not available.
    pub fn new(
        configuration: Configuration,
        clients: DriverClients,
        environment: Environment,
        selinux: Selinux,
        registry: &mut Registry,
    ) -> Result<(Self, Option<Socket>), StartError> {
        let status_socket = configuration.status_socket();
        let Configuration {
            installation,
            data_root,
            endpoint,
            registration_dir,
            issuer,
            runtime_issuance,
            files,
            file_mode,
            root_context,
            source_ca_bundle,
            anchoring,
            volumes_per_pod,
            key_usage,
        } = configuration;
        let DriverClients { driver, anonymous } = clients;
        let Environment { clock, chance } = environment;
        let installation = Arc::new(installation);
        let stop = CancellationToken::new();
        let (trust, trusted) = TrustSource::watch(source_ca_bundle);
        let (issuer, issuers) = IssuerSource::new(issuer, runtime_issuance, chance);
        let (recorder, events) = EventRecorder::new(
            driver.clone(),
            Arc::clone(&clock),
            Arc::clone(&installation),
        );
        let health = ApiHealth::default();
        let requests = KubernetesRequests::new(driver.clone(), anonymous, health.clone());
        let volumes = LinuxVolumes::open(VolumeOptions {
            data_root,
            installation: Arc::clone(&installation),
            files: files.clone(),
            file_mode,
            root_context,
            selinux,
            boot_id: None,
            clock: Arc::clone(&clock),
        })?;
        let lost = volumes.lost();
        let status_socket = match Socket::bind(&status_socket, MissingFolder::Create) {
            Ok(socket) => Some(socket),
            // The volumes that are there can be looked after without it.
            Err(error) if error.is_read_only() => {
                tracing::error!(%error, "the data folder is on a read-only file system: no volume \
                    can be begun, and there is no socket for the status");
                None
            }
            Err(error) => return Err(StartError::Status(error)),
        };
        let context = Context {
            volumes: Arc::new(volumes),
            requests: Arc::new(requests),
            turns: CreateQueue::default(),
            health,
            clock: Arc::clone(&clock),
            chance,
            trust: trusted.clone(),
            issuer: issuers.clone(),
            events: Arc::new(recorder.clone()),
            metrics: Metrics::register(registry),
            settings: Arc::clone(&installation),
            anchoring,
            volumes_per_pod,
            key_usage,
        };
        let volumes = VolumeTasks::new(context, stop.clone());
        let server = Server::bind(
            &endpoint,
            registration_dir.as_deref(),
            Arc::clone(&installation),
            Arc::new(volumes.clone()),
            Arc::clone(&clock),
        )?;
        let registration = registration_dir.map(|_| server.registration());
        let recovered = watch::Sender::new(false);
        let health = DriverHealth::new(
            server.called_at(),
            recovered.subscribe(),
            registration.clone(),
        );
        let status = DriverStatus {
            installation,
            files,
            clock,
            board: volumes.board(),
            registration,
            issuer: issuers,
            trust: trusted,
            refusals: trust.refusals(),
            events: recorder.counts(),
        };
        scrape::register(status.clone(), registry);
        let driver = Self {
            volumes,
            server,
            trust,
            issuer,
            client: driver,
            events,
            status,
            health,
            recovered,
            lost,
            stop,
        };
        Ok((driver, status_socket))
    }

    /// The driver's status, readable while it runs.
    pub fn status(&self) -> DriverStatus {
        self.status.clone()
    }

    /// What probes ask, while the driver runs.
    pub fn health(&self) -> DriverHealth {
        self.health.clone()
    }

    /// Takes over the existing volumes, serves the kubelet and manages the volumes until
    /// `shutdown`. Volumes stay mounted.
    ///
    /// # Errors
    /// If a part failed.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), RunError> {
        let Self {
            volumes,
            server,
            trust,
            issuer,
            client,
            events,
            recovered,
            lost,
            stop,
            ..
        } = self;
        let sources = async {
            tokio::join!(
                trust.run(stop.clone()),
                issuer.run(client, |_error| {}, stop.clone()),
                events.run(stop.clone()),
            )
        };
        let work = async {
            let result = look_after(&volumes, server, &recovered, &stop).await;
            stop.cancel();
            result
        };
        let told = async {
            tokio::select! {
                () = shutdown.cancelled() => stop.cancel(),
                () = lost.cancelled() => stop.cancel(),
                () = stop.cancelled() => {}
            }
        };
        let (_, result, ()) = tokio::join!(sources, work, told);
        result?;
        if lost.is_cancelled() {
            return Err(RunError::DataRootGone);
        }
        Ok(())
    }
}

async fn look_after(
    volumes: &VolumeTasks,
    server: Server<VolumeTasks>,
    recovered: &watch::Sender<bool>,
    stop: &CancellationToken,
) -> Result<(), RunError> {
    volumes.recover().await.map_err(RunError::Recover)?;
    recovered.send_replace(true);
    let serve = async {
        let served = server.run(stop.clone()).await;
        stop.cancel();
        served
    };
    let tasks = async {
        let ended = volumes.run(LAST_WRITES).await;
        stop.cancel();
        ended
    };
    let (served, ended) = tokio::join!(serve, tasks);
    ended?;
    Ok(served?)
}

/// For files that are being written at shutdown.
const LAST_WRITES: Duration = Duration::from_secs(5);
