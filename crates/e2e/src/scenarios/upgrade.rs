//! The way from the Go driver's release to ours, and back.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::installation::{self, RELEASE};
use super::pods::{self, Pod, VOLUME, enroll};
use super::renewal::renewed;
use super::world::{NAME, NAMESPACE, World, pod_folder};
use super::{Scenario, scenario};
use crate::{cluster, command};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![scenario(
        "a release of the Go driver becomes ours, its volume is renewed in place, and back again",
        upgrade,
    )]
}

fn upgrade(world: &World) -> Result<()> {
    let pod = pod_of_the_go_driver(world)?;
    let before = pod.look(world)?;
    let starts = starts(world, &pod)?;

    // What Helm waits for: nothing that cannot be changed was changed.
    installation::install(world, &["app.certificateRequestDuration=180s"])?;
    let driver = world.object("", "csidriver/spiffe.csi.cert-manager.io")?;
    ensure!(
        driver["spec"]["serviceAccountTokenInSecrets"] != true,
        "tokens are where the Go driver, which is still being replaced, cannot read them"
    );
    renewed(world, std::slice::from_ref(&pod))?;
    let after = pod.look(world)?;
    ensure!(after.id() == before.id(), "{after:?}");
    ensure!(
        self::starts(world, &pod)? == starts,
        "the pod's container was started anew"
    );

    let back = ["rollback", RELEASE, "1", "--namespace", NAMESPACE];
    world.helm(&[&back[..], &["--wait", "--timeout=120s"]].concat())?;
    pod.ensure_running(world)?;
    installation::install(world, &[])?;
    pod.delete(world)
}

/// A pod whose volume is as the Go driver leaves it, under a release of its chart. Ours made it,
/// was uninstalled, and left nothing but the mount that is then replaced.
fn pod_of_the_go_driver(world: &World) -> Result<Pod> {
    installation::install(world, &["app.certificateRequestDuration=180s"])?;
    enroll(world, "upgrade", "web")?;
    let pod = pods::run_with(world, "upgrade", "web", "web", |pod| {
        let script = format!("/bin/peer watch {VOLUME} & echo $! > /tmp/peer; wait $!");
        pod["spec"]["containers"][0]["command"] = json!(["/bin/sh", "-c", script]);
        pod["spec"]["restartPolicy"] = json!("Always");
    })?;
    pod.wait_ready(world)?;
    world.helm(&["uninstall", RELEASE, "--namespace", NAMESPACE, "--wait"])?;
    // Helm waits for its own objects; one of our processes would write its records again.
    world.eventually("the end of the driver's pods", || {
        let left = installation::pods_of(world, NAME)?;
        ensure!(left.is_empty(), "{} are left", left.len());
        Ok(())
    })?;
    let chart = cluster::configuration("go-chart").display().to_string();
    world.helm(&[
        "install",
        RELEASE,
        &chart,
        "--namespace",
        NAMESPACE,
        "--wait",
    ])?;
    let records = Path::new("/run/csi-driver-spiffe");
    fs::remove_dir_all(records).with_context(|| format!("removing {}", records.display()))?;

    lay_out(world, &target(world, &pod)?)?;
    // A container sees the mounts of its start.
    let before = starts(world, &pod)?;
    world.exec(
        "upgrade",
        "web",
        &["/bin/sh", "-c", "kill -9 $(cat /tmp/peer)"],
    )?;
    world.eventually("the container's second start", || {
        ensure!(starts(world, &pod)? > before, "it has not started again");
        pod.look(world)
    })?;
    let source = world.exec("upgrade", "web", &["cat", "/proc/mounts"])?;
    ensure!(
        source.contains(&format!("go-driver {VOLUME} tmpfs ro")),
        "the container does not see the Go driver's mount: {source}"
    );
    Ok(pod)
}

/// Puts the pod's files where the Go driver has them: in a folder of one tmpfs for all volumes,
/// of which a read-only bind is at the target. The tmpfs is in the mount namespace of a container
/// that is gone.
fn lay_out(world: &World, target: &Path) -> Result<()> {
    let files = ["tls.crt", "tls.key", "ca.crt"];
    let contents: Vec<_> = files
        .iter()
        .map(|file| fs::read(target.join(file)))
        .collect::<Result<_, _>>()
        .with_context(|| format!("reading {}", target.display()))?;
    mount(Command::new("umount").arg(target))?;
    let store = world.place.state.join("go-driver");
    fs::create_dir_all(&store)?;
    let tmpfs = ["-t", "tmpfs", "-o", "size=4m", "go-driver"];
    mount(Command::new("mount").args(tmpfs).arg(&store))?;
    let volume = store.join("inmemfs/csi-0123456789abcdef");
    let data = volume.join("data");
    let name = "..2026_01_02_03_04_05.000000006";
    fs::create_dir_all(data.join(name))?;
    fs::write(volume.join("metadata.json"), "{}")?;
    for (file, content) in files.iter().zip(contents) {
        fs::write(data.join(name).join(file), content)?;
        symlink(format!("..data/{file}"), data.join(file))?;
    }
    symlink(name, data.join("..data"))?;
    mount(Command::new("mount").arg("--bind").arg(&data).arg(target))?;
    let read_only = ["-o", "remount,bind,ro"];
    mount(Command::new("mount").args(read_only).arg(target))?;
    mount(Command::new("umount").arg("--lazy").arg(&store))
}

fn mount(command: &mut Command) -> Result<()> {
    command::text(command).map(drop)
}

/// Where the kubelet has the pod's volume.
fn target(world: &World, pod: &Pod) -> Result<PathBuf> {
    let folder = pod_folder(&world.place, &pod.uid(world)?);
    let mounts = cluster::mounts_below(&[&folder])?;
    let of_csi = |at: &PathBuf| at.to_string_lossy().contains("kubernetes.io~csi");
    mounts
        .into_iter()
        .find(of_csi)
        .with_context(|| format!("no mount below {}", folder.display()))
}

/// How often the pod's container was started again.
fn starts(world: &World, pod: &Pod) -> Result<u64> {
    let object = pod.object(world)?;
    let count = &object["status"]["containerStatuses"][0]["restartCount"];
    count.as_u64().context("no containers")
}
