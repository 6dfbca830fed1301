//! Owns the command `approver`: turns its flags into its configuration, and starts and joins its
//! parts.
//!
//! Must not decide about a request; that is the crate `svid-approver` and, in it,
//! `svid_core::policy`.

use std::sync::Arc;

use anyhow::Context as _;
use jiff::Timestamp;
use prometheus_client::registry::Registry;
use svid_approver::{Approver, Configuration, Environment, Readiness};
use svid_client::retry::chance;

use crate::admin::{self, Endpoints, HealthCheck, Listener};
use crate::args::Role;
use crate::process::{self, Signals, Tasks};
use crate::{kubernetes, logs, metrics};

/// Runs until a signal.
///
/// # Errors
/// The kernel keeps core dumps possible, an address cannot be bound, the API server cannot be
/// addressed, or a part failed.
pub(crate) fn run(role: Role<Configuration>) -> anyhow::Result<()> {
    logs::start(role.logs)?;
    process::keep_memory_private()?;
    process::raise_limit_of_open_files();
    process::run_to_end(serve(role))
}

async fn serve(role: Role<Configuration>) -> anyhow::Result<()> {
    let Role {
        configuration,
        servers,
        connection,
        ..
    } = role;
    let signals = Signals::catch()?;
    let mut tasks = Tasks::new();
    let readiness =
        Listener::bind("--readiness-probe-bind-address", servers.probes.as_ref()).await?;
    let measured = Listener::bind("--metrics-bind-address", servers.metrics.as_ref()).await?;
    let clients = kubernetes::connect(&connection).await?;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        driver = %configuration.driver_name,
        trust_domain = %configuration.trust_domain,
        "starting the approver"
    );
    let mut registry = metrics::registry();
    let approver = Approver::new(
        configuration,
        process::unique_name().context("choosing a name for this replica")?,
        clients.own,
        clients.lease,
        Environment {
            now: Timestamp::now,
            chance,
        },
        &mut registry,
    );

    let probes = Endpoints::default()
        .health(admin::always())
        .readiness(ready(approver.readiness()));
    admin::serve(&mut tasks, "probe server", readiness, probes);
    let metrics = Endpoints::default().metrics(Arc::<Registry>::new(registry));
    admin::serve(&mut tasks, "metrics server", measured, metrics);
    tasks.spawn("approver", |shutdown| async move {
        approver.run(shutdown).await.map_err(Into::into)
    });
    tasks.run(signals).await
}

fn ready(readiness: Readiness) -> HealthCheck {
    Arc::new(move || {
        let ready = readiness.is_ready();
        Box::pin(async move {
            if ready {
                Ok(())
            } else {
                Err("the certificate requests have not been read yet".to_owned())
            }
        })
    })
}
