//! The kubelet's plugin manager: what it knows of the driver.

use std::fs;
use std::os::unix::fs::FileTypeExt as _;

use anyhow::{Context as _, Result, ensure};

use super::pods::{self, enroll};
use super::world::{NAME, NAMESPACE, World};
use super::{Scenario, installation, scenario};
use crate::cluster::NODE_NAME;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![scenario(
        "the kubelet registers the driver, forgets it with its socket, and registers it again",
        registration,
    )]
}

fn registration(world: &World) -> Result<()> {
    installation::install(world, &[])?;
    wait_registered(world, true)?;
    enroll(world, "registration", "web")?;
    let before = pods::run(world, "registration", "before", "web")?;
    before.wait_ready(world)?;

    // The old process ends while the new one has begun, and takes nothing of the new one's along.
    let driver = format!("daemonset/{NAME}-driver");
    let restart = ["--namespace", NAMESPACE, "rollout", "restart", &driver];
    world.kubectl.run(&restart)?;
    installation::rolled_out(world)?;
    wait_registered(world, true)?;
    ensure!(sockets(world)?.len() == 1, "{:?}", sockets(world)?);

    let delete = ["--namespace", NAMESPACE, "delete", &driver, "--timeout=60s"];
    world.kubectl.run(&delete)?;
    wait_registered(world, false)?;
    ensure!(sockets(world)?.is_empty(), "{:?}", sockets(world)?);

    installation::install(world, &[])?;
    wait_registered(world, true)?;
    let after = pods::run(world, "registration", "after", "web")?;
    after.wait_ready(world)?;
    for pod in [before, after] {
        pod.ensure_running(world)?;
        pod.delete(world)?;
    }
    Ok(())
}

/// What the kubelet says of its drivers.
fn wait_registered(world: &World, expected: bool) -> Result<()> {
    world.eventually("the kubelet's list of drivers", || {
        let drivers = world.kubectl.run(&[
            "get",
            "csinode",
            NODE_NAME,
            "-o",
            "jsonpath={.spec.drivers[*].name}",
        ])?;
        ensure!(
            drivers.contains("spiffe.csi.cert-manager.io") == expected,
            "{drivers:?}, expected {expected}"
        );
        Ok(())
    })
}

/// The sockets in the kubelet's folder for them.
fn sockets(world: &World) -> Result<Vec<String>> {
    let folder = world.place.kubelet().join("plugins_registry");
    let entries = fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))?;
    let sockets = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_socket()));
    Ok(sockets
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect())
}
