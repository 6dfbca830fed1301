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
    let before = pods::ready(world, "registration", "before", "web")?;

    // The old process ends, and takes nothing of the new one's along. From here on the kubelet's
    // registration is that of the new one, so what is seen below comes of the deletion.
    installation::restart_driver(world)?;
    installation::rolled_out(world)?;
    wait_registered(world, true)?;
    wait_sockets(world, 1)?;

    // Gone once its pods are, and not before.
    let driver = format!("daemonset/{NAME}-driver");
    let delete = ["--namespace", NAMESPACE, "delete", &driver];
    let whole = ["--cascade=foreground", "--timeout=120s"];
    world.kubectl.run(&[&delete[..], &whole].concat())?;
    let left = installation::pods_of(world, NAME)?;
    ensure!(left.is_empty(), "the driver's pods outlive it: {left:?}");
    wait_sockets(world, 0)?;
    wait_registered(world, false)?;

    installation::install(world, &[])?;
    wait_registered(world, true)?;
    let after = pods::ready(world, "registration", "after", "web")?;
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

/// Waits for this many sockets in the kubelet's folder for them.
fn wait_sockets(world: &World, count: usize) -> Result<()> {
    world.eventually("the sockets of drivers", || {
        let sockets = sockets(world)?;
        ensure!(sockets.len() == count, "{sockets:?}, expected {count}");
        Ok(())
    })
}

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
