//! Owns the command `driver`: turns its flags into its configuration, and starts and joins its
//! parts.
//!
//! Must not decide about a volume; that is the crate `svid-node`. Invariant: the memory is private
//! before the first key is made.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use prometheus_client::registry::Registry;
use svid_client::retry::chance;
use svid_node::clock::SystemClock;
use svid_node::driver::{Configuration, Driver, DriverClients, DriverHealth, Environment, Selinux};

use crate::admin::{self, Endpoints, HealthCheck, Listener};
use crate::args::Role;
use crate::process::{self, Signals, Tasks};
use crate::{kubernetes, logs, metrics};

/// Runs until a signal. Volumes stay mounted.
///
/// # Errors
/// An address or socket cannot be bound, the data folder cannot be used, or a part failed.
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
        warnings,
        ..
    } = role;
    let signals = Signals::catch()?;
    let mut tasks = Tasks::new();
    let probed = Listener::bind("--health-address", servers.probes.as_ref()).await?;
    let measured = Listener::bind("--metrics-bind-address", servers.metrics.as_ref()).await?;
    let looked_at = Listener::bind("--status-address", servers.status.as_ref()).await?;
    let clients = kubernetes::connect(&connection).await?;
    let (clock, clock_steps) = SystemClock::new().context("creating a timer for the wall clock")?;
    say_start(&configuration, &warnings);
    let mut registry = metrics::registry();
    let (driver, status_socket) = Driver::new(
        configuration,
        DriverClients {
            driver: clients.own,
            anonymous: clients.anonymous,
        },
        Environment {
            clock: Arc::new(clock),
            chance,
        },
        selinux(Path::new(SELINUX)),
        &mut registry,
    )?;

    let status = driver.status();
    let health = driver.health();
    let probes = Endpoints::default()
        .health(alive(health.clone()))
        .readiness(ready(health));
    admin::serve(&mut tasks, "probe server", probed, probes);
    let metrics = Endpoints::default().metrics(Arc::<Registry>::new(registry));
    admin::serve(&mut tasks, "metrics server", measured, metrics);
    let describe = move || status.overview();
    let status = Endpoints::default().status(describe.clone());
    if let Some(socket) = status_socket {
        admin::serve_socket(&mut tasks, "status socket", socket, status);
    }
    let status = Endpoints::default().status(describe);
    admin::serve(&mut tasks, "status server", looked_at, status);
    tasks.spawn("clock", |shutdown| async move {
        clock_steps
            .run(shutdown)
            .await
            .context("watching for steps of the wall clock")
    });
    tasks.spawn("driver", |shutdown| async move {
        driver.run(shutdown).await.map_err(Into::into)
    });
    tasks.run(signals).await
}

fn alive(health: DriverHealth) -> HealthCheck {
    Arc::new(move || {
        let health = health.clone();
        Box::pin(async move { health.alive().await.map_err(|why| why.to_string()) })
    })
}

fn ready(health: DriverHealth) -> HealthCheck {
    Arc::new(move || {
        let health = health.clone();
        Box::pin(async move { health.ready().await.map_err(|why| why.to_string()) })
    })
}

fn say_start(configuration: &Configuration, warnings: &[String]) {
    let installation = &configuration.installation;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        driver = %installation.driver_name,
        node = %installation.node_id,
        trust_domain = %installation.trust_domain,
        "starting the driver"
    );
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}

/// What SELinux does, by a file of this form. One that cannot be read counts as enforcing: a driver
/// that does not start is noticed, a pod that cannot read its volume is a riddle.
fn selinux(enforce: &Path) -> Selinux {
    match std::fs::read_to_string(enforce) {
        Ok(text) if text.trim() == "0" => Selinux::Permissive,
        Err(error) if error.kind() == ErrorKind::NotFound => Selinux::Absent,
        Ok(_) | Err(_) => Selinux::Enforcing,
    }
}

/// Exists only if the kernel runs SELinux: 1 if it enforces, else 0.
const SELINUX: &str = "/sys/fs/selinux/enforce";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selinux_is_known_by_the_kernels_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("enforce");
        assert_eq!(selinux(&file), Selinux::Absent);
        for (text, expected) in [
            ("0", Selinux::Permissive),
            ("0\n", Selinux::Permissive),
            ("1", Selinux::Enforcing),
            ("", Selinux::Enforcing),
        ] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(selinux(&file), expected, "{text:?}");
        }
        assert_eq!(selinux(folder.path()), Selinux::Enforcing);
    }
}
