//! Strangers that connect to the ports for probes and metrics and send nothing.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::decisions::{Decisions, within};
use super::pods::{self, Pod, VOLUME, enroll};
use super::process::{APPROVER_PROBES_PORT, DRIVER_PROBES_PORT, METRICS_PORT, Process};
use super::world::{NAME, World};
use super::{Scenario, installation, scenario};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![scenario(
        "silent connections to every port keep no probe, volume or decision waiting",
        silent_connections,
    )]
}

fn silent_connections(world: &World) -> Result<()> {
    // All of one pod, which by default may have fewer.
    installation::install(world, &["app.driver.maxVolumesPerPod=20"])?;
    enroll(world, "strangers", "web")?;
    let roles = [
        (Process::of(world, NAME)?, DRIVER_PROBES_PORT),
        (
            Process::of(world, &format!("{NAME}-approver"))?,
            APPROVER_PROBES_PORT,
        ),
    ];
    let mut decisions = Decisions::watch(world, "strangers", "web")?;
    let stranger = stranger(world, &roles)?;
    world.eventually("the strangers' connections", || {
        let said = stranger.logs(world)?;
        ensure!(said.contains("have been open"), "{said:?}");
        Ok(())
    })?;

    ensure_answered(&roles)?;
    decisions.create("right", VOLUMES)?;
    within(
        "decisions beside silent connections",
        &decisions.wait()?,
        SOON,
    )?;
    ensure_answered(&roles)?;
    let many = with_many_volumes(world)?;
    many.wait_ready(world)?;
    ensure_answered(&roles)?;
    for (process, _) in &roles {
        // Nobody has restarted them, and the kubelet has had its answers.
        process.peak_memory()?;
    }
    for app in [NAME.to_owned(), format!("{NAME}-approver")] {
        let pods = installation::pods_of(world, &app)?;
        ensure!(
            pods.iter().all(installation::is_ready),
            "{app} is not ready"
        );
    }
    for pod in [stranger, many] {
        pod.delete(world)?;
    }
    world.end_namespace("strangers")
}

/// Asks as the kubelet and Prometheus do.
fn ensure_answered(roles: &[(Process, u16)]) -> Result<()> {
    for (process, probes) in roles {
        for (port, path) in [
            (*probes, "/healthz"),
            (*probes, "/readyz"),
            (METRICS_PORT, "/metrics"),
        ] {
            process.get(port, path)?;
        }
    }
    Ok(())
}

/// A pod that has no rights and mounts nothing.
fn stranger(world: &World, roles: &[(Process, u16)]) -> Result<Pod> {
    let ports = roles.iter().flat_map(|(process, probes)| {
        [*probes, METRICS_PORT].map(|port| format!("{}:{port}", process.address))
    });
    let words = ["/bin/peer", "idle", CONNECTIONS].map(str::to_owned);
    let command: Value = words.into_iter().chain(ports).collect();
    pods::run_with(world, "strangers", "stranger", "default", |pod| {
        pod["spec"]["volumes"] = json!([]);
        pod["spec"]["containers"][0]["volumeMounts"] = json!([]);
        pod["spec"]["containers"][0]["command"] = command;
    })
}

/// One pod, which starts when each of its volumes is published.
fn with_many_volumes(world: &World) -> Result<Pod> {
    pods::run_with(world, "strangers", "many", "web", |pod| {
        let volume = pod["spec"]["volumes"][0].clone();
        let name = |index| {
            if index == 0 {
                "spiffe".to_owned()
            } else {
                format!("spiffe-{index}")
            }
        };
        let volumes: Value = (0..VOLUMES)
            .map(|index| {
                let mut volume = volume.clone();
                volume["name"] = json!(name(index));
                volume
            })
            .collect();
        let mounts: Value = (0..VOLUMES)
            .map(|index| {
                let path = if index == 0 {
                    VOLUME.to_owned()
                } else {
                    format!("{VOLUME}-{index}")
                };
                json!({"name": name(index), "mountPath": path})
            })
            .collect();
        pod["spec"]["volumes"] = volumes;
        pod["spec"]["containers"][0]["volumeMounts"] = mounts;
    })
}

/// To each port. Those to both ports of a process are more than the descriptors that the cluster
/// gives it, as a real node may.
const CONNECTIONS: &str = "600";
const VOLUMES: usize = 20;
/// The time in which a request is decided meanwhile.
const SOON: Duration = Duration::from_secs(2);
