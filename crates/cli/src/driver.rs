//! Owns the command `driver`: its flags become its configuration, and its parts are started and joined.
//!
//! Must not decide about a volume; that is the crate `svid-node`. Invariant: the memory is private before
//! the first key is made.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use prometheus_client::registry::Registry;
use svid_api::duration::GoDuration;
use svid_node::clock::{SystemChance, SystemClock};
use svid_node::driver::{Clients, Configuration, Driver, Surroundings};
use svid_node::installation::Installation;
use svid_node::lifecycle::AnchoringPolicy;

use crate::admin::{self, Endpoints, Listener};
use crate::args::DriverArgs;
use crate::process::{self, Signals, Tasks};
use crate::{kubernetes, logs, metrics};

/// Runs until a signal. Volumes stay mounted.
///
/// # Errors
/// An address or socket cannot be bound, the data folder cannot be used, or a part failed.
pub(crate) fn run(args: DriverArgs) -> anyhow::Result<()> {
    logs::start(args.logs)?;
    process::keep_memory_private()?;
    process::raise_limit_of_open_files();
    process::run_to_end(serve(args))
}

async fn serve(args: DriverArgs) -> anyhow::Result<()> {
    let signals = Signals::catch()?;
    let mut tasks = Tasks::new();
    let probed = Listener::bind("--health-address", args.health.as_ref()).await?;
    let measured = Listener::bind("--metrics-bind-address", args.metrics.as_ref()).await?;
    let clients = kubernetes::connect(&args.connection).await?;
    let (clock, clock_steps) = SystemClock::new().context("making a timer for the wall clock")?;
    let socket = admin::socket_answers(&args.endpoint);
    let mut registry = metrics::registry();
    let driver = Driver::new(
        configuration(args),
        Clients {
            driver: clients.own,
            anonymous: clients.anonymous,
        },
        Surroundings {
            clock: Arc::new(clock),
            chance: Arc::new(SystemChance),
        },
        &mut registry,
    )?;

    let status = driver.status();
    let probes = Endpoints::default()
        .health(Arc::clone(&socket))
        .readiness(socket)
        .status(move || status.describe());
    admin::serve(&mut tasks, "probe server", probed, probes);
    let metrics = Endpoints::default().metrics(Arc::<Registry>::new(registry));
    admin::serve(&mut tasks, "metrics server", measured, metrics);
    tasks.spawn("clock", |shutdown| async move {
        clock_steps
            .run(shutdown)
            .await
            .context("waiting for steps of the wall clock")
    });
    tasks.spawn("driver", |shutdown| async move {
        driver.run(shutdown).await.map_err(Into::into)
    });
    tasks.run(signals).await
}

fn configuration(args: DriverArgs) -> Configuration {
    let certificates = args.certificates;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        driver = %certificates.driver_name,
        node = %args.node_id,
        trust_domain = %certificates.trust_domain,
        "starting the driver"
    );
    for warning in &args.warnings {
        tracing::warn!("{warning}");
    }
    Configuration {
        installation: Installation {
            node_id: args.node_id,
            driver_name: certificates.driver_name,
            trust_domain: certificates.trust_domain,
            duration: GoDuration::try_from(certificates.duration).unwrap_or_default(),
            requester: args.requester,
            extra_annotations: args.extra_annotations,
        },
        data_root: args.data_root,
        endpoint: args.endpoint,
        registration_dir: args.registration_dir,
        issuer: certificates.issuer,
        runtime_issuance: certificates.runtime_issuance,
        files: args.file_names,
        file_mode: args.file_mode,
        root_context: args.selinux_context.filter(|_| Path::new(SELINUX).exists()),
        source_ca_bundle: args.source_ca_bundle,
        anchoring: if args.require_anchored_chain {
            AnchoringPolicy::Require
        } else {
            AnchoringPolicy::Warn
        },
    }
}

/// There only where the kernel runs SELinux.
const SELINUX: &str = "/sys/fs/selinux/enforce";
