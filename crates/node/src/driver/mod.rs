//! The driver as a whole: its parts, made and joined.
//!
//! Owns the order of start and end. Volumes are recovered before the kubelet is served, and the
//! sources of trust, issuer and Events run for as long as any volume may need them. Knows nothing
//! of flags or of HTTP. Invariant: nothing runs on after [`Driver::run`] has ended.

mod configuration;
mod scrape;
mod status;

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use svid_api::duration::GoDuration;
use svid_client::ApiClient;
use svid_client::issuer::IssuerSource;
use tokio_util::sync::CancellationToken;

pub use configuration::Configuration;
pub use status::DriverStatus;

use crate::clock::{Chance, Clock};
use crate::events::{EventRecorder, EventWriter};
use crate::issuance::{ApiHealth, KubernetesRequests, RequestSettings};
use crate::lifecycle::{Context, TaskPanicked, VolumeTasks};
use crate::metrics::Metrics;
use crate::registration::{BindError, ServeError, Server, ServerOptions};
use crate::trust::TrustSource;
use crate::volume::{LinuxVolumes, VolumeError, VolumeOptions};

/// Clients for one API server.
#[derive(Clone)]
pub struct Clients {
    /// With the driver's own credentials.
    pub driver: ApiClient,
    /// Without credentials, on connections of its own: creates carry their pod's token. Not used
    /// where the driver creates the requests itself.
    pub anonymous: ApiClient,
}

/// Time and chance.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Jitter.
    pub chance: Arc<dyn Chance>,
}

/// A driver that holds its data folder and its sockets, and does nothing yet.
#[must_use = "nothing happens until it is run"]
pub struct Driver {
    volumes: VolumeTasks,
    server: Server<VolumeTasks>,
    trust: TrustSource,
    issuer: IssuerSource,
    client: ApiClient,
    events: EventWriter,
    status: DriverStatus,
    stop: CancellationToken,
}

/// Why the driver cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder or mounting.
    #[error(transparent)]
    Volumes(#[from] VolumeError),
    /// A socket.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The lifetime is longer than 292 years.
    #[error("the certificate duration of {} s is too long", .0.as_secs())]
    Duration(Duration),
}

/// Why the driver ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The records of the process before cannot be read.
    #[error("taking up the volumes that are there: {0}")]
    Recover(VolumeError),
    /// A socket failed.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// A bug; a new process goes on with all volumes.
    #[error(transparent)]
    Panicked(#[from] TaskPanicked),
}

impl Driver {
    /// Makes the parts. Reads the trust bundle once, opens the data folder, mounts the scratch
    /// file system and binds the sockets; `registry` gets the driver's metrics. Sends nothing.
    ///
    /// # Errors
    /// When the data folder or a socket cannot be had.
    pub fn new(
        configuration: Configuration,
        clients: Clients,
        surroundings: Surroundings,
        registry: &mut Registry,
    ) -> Result<Self, StartError> {
        let Surroundings { clock, chance } = surroundings;
        let stop = CancellationToken::new();
        let Clients { driver, anonymous } = clients;
        let (trust, trusted) = TrustSource::watch(configuration.source_ca_bundle.clone());
        let (issuer, issuers) = IssuerSource::new(
            configuration.issuer.clone(),
            configuration.runtime_issuance.clone(),
        );
        let (recorder, events) = EventRecorder::new(
            driver.clone(),
            Arc::clone(&clock),
            configuration.driver_name.to_string(),
            &configuration.node_id,
        );
        let health = ApiHealth::default();
        let context = Context {
            volumes: Arc::new(LinuxVolumes::open(volume_options(&configuration, &clock))?),
            requests: Arc::new(KubernetesRequests::new(
                driver.clone(),
                anonymous,
                health.clone(),
            )),
            health,
            clock: Arc::clone(&clock),
            chance,
            trust: trusted.clone(),
            issuer: issuers.clone(),
            events: Arc::new(recorder.clone()),
            metrics: Metrics::register(registry),
            settings: settings(&configuration)?,
            anchoring: configuration.anchoring,
        };
        let volumes = VolumeTasks::new(context, stop.clone());
        let server = Server::bind(
            server_options(&configuration),
            Arc::new(volumes.clone()),
            Arc::clone(&clock),
        )?;
        let status = DriverStatus {
            driver_name: configuration.driver_name.to_string(),
            node_id: configuration.node_id,
            clock,
            board: volumes.board(),
            registration: configuration
                .registration_dir
                .map(|_| server.registration()),
            issuer: issuers,
            trust: trusted,
            refusals: trust.refusals(),
            events: recorder.counts(),
        };
        scrape::register(status.clone(), registry);
        Ok(Self {
            volumes,
            server,
            trust,
            issuer,
            client: driver,
            events,
            status,
            stop,
        })
    }

    /// What is going on, for whoever asks while it runs.
    pub fn status(&self) -> DriverStatus {
        self.status.clone()
    }

    /// Takes up the volumes that are there, serves the kubelet and looks after the volumes until
    /// `shutdown`. Volumes stay mounted.
    ///
    /// # Errors
    /// When a part failed.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), RunError> {
        let Self {
            volumes,
            server,
            trust,
            issuer,
            client,
            events,
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
            let result = look_after(&volumes, server, &stop).await;
            stop.cancel();
            result
        };
        let told = async {
            tokio::select! {
                () = shutdown.cancelled() => stop.cancel(),
                () = stop.cancelled() => {}
            }
        };
        let (_, result, ()) = tokio::join!(sources, work, told);
        result
    }
}

async fn look_after(
    volumes: &VolumeTasks,
    server: Server<VolumeTasks>,
    stop: &CancellationToken,
) -> Result<(), RunError> {
    volumes.recover().await.map_err(RunError::Recover)?;
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

fn volume_options(configuration: &Configuration, clock: &Arc<dyn Clock>) -> VolumeOptions {
    VolumeOptions {
        data_root: configuration.data_root.clone(),
        driver_name: configuration.driver_name.clone(),
        files: configuration.files.clone(),
        file_mode: configuration.file_mode,
        root_context: configuration.root_context.clone(),
        boot_id: None,
        clock: Arc::clone(clock),
    }
}

fn server_options(configuration: &Configuration) -> ServerOptions {
    ServerOptions {
        endpoint: configuration.endpoint.clone(),
        registration_dir: configuration.registration_dir.clone(),
        driver_name: configuration.driver_name.to_string(),
        node_id: configuration.node_id.clone(),
        requester: configuration.requester,
    }
}

fn settings(configuration: &Configuration) -> Result<RequestSettings, StartError> {
    let duration = configuration.certificate_duration;
    Ok(RequestSettings {
        trust_domain: configuration.trust_domain.clone(),
        duration: GoDuration::try_from(duration)
            .map_err(|_too_long| StartError::Duration(duration))?,
        requester: configuration.requester,
        node_id: configuration.node_id.clone(),
        extra_annotations: configuration.extra_annotations.clone(),
    })
}

/// For files that are being written when the end comes.
const LAST_WRITES: Duration = Duration::from_secs(5);
