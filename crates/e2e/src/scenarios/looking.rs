//! What people can see of a driver: through `kubectl exec`, and nothing on a port.

use anyhow::{Result, ensure};

use super::pods::{self, enroll};
use super::process::{DRIVER_PROBES_PORT, METRICS_PORT, Process};
use super::world::{NAME, NAMESPACE, World};
use super::{Scenario, installation, scenario};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![scenario(
        "kubectl exec shows a driver's volumes and their files without a flag, and no port does",
        looking,
    )]
}

fn looking(world: &World) -> Result<()> {
    // Neither the driver's name nor the node's folder are those of the program.
    installation::install(world, &[])?;
    enroll(world, "looking", "web")?;
    let pod = pods::ready(world, "looking", "seen", "web")?;

    let driver = installation::driver_pod(world)?;
    for (words, expected) in [
        (["status", "--pod=looking/seen"], "no problems with "),
        (["status", "--pod=looking/seen"], "1: 1 resting"),
        (["inspect", "--pod=looking/seen"], "valid SVID in "),
    ] {
        let words = [&["/csi-driver-spiffe"][..], &words].concat();
        let said = world.exec(NAMESPACE, &driver, &words)?;
        ensure!(said.contains(expected), "{words:?}: {said}");
    }
    let process = Process::of(world, NAME)?;
    for port in [DRIVER_PROBES_PORT, METRICS_PORT] {
        match process.get(port, "/status") {
            Ok(answer) => ensure!(false, "port {port} answers /status: {answer}"),
            Err(error) => {
                let error = format!("{error:#}");
                ensure!(error.contains("HTTP/1.1 404 "), "port {port}: {error}");
            }
        }
    }
    pod.delete(world)?;
    world.end_namespace("looking")
}
