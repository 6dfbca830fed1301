//! The CSI conformance tests against the driver: `cargo xtask sanity`.
//!
//! Owns how they are run and what is left out, with the reason. Needs no cluster: all that the
//! specification requires of a driver without a controller is to refuse, and to identify itself.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::wait::wait;
use crate::{programs, repository};

/// Tests that are left out: text of their names, and why.
const SKIPPED: &[(&str, &str)] = &[
    (
        "Controller Server",
        "there is no controller: volumes are part of their pods",
    ),
    (
        "should remove target path",
        "it calls CreateVolume, and there is no controller",
    ),
];

/// Starts a driver in a mount namespace of its own and runs the tests against its socket.
///
/// # Errors
/// When the driver does not start or a test fails.
pub(crate) fn run() -> Result<()> {
    let sanity = programs::csi_sanity()?;
    let program = repository::program()?;
    let folder = tempfile::Builder::new()
        .prefix("sanity")
        .tempdir()
        .context("making a folder")?;
    let socket = folder.path().join("csi.sock");
    let mut driver = driver(&program, folder.path(), &socket)?;
    let ran = wait("the driver's socket", Duration::from_secs(20), || {
        socket.exists()
    })
    .and_then(|()| test(&sanity, folder.path(), &socket));
    driver.kill().context("ending the driver")?;
    driver.wait().context("waiting for the driver's end")?;
    for (name, reason) in SKIPPED {
        println!("left out: {name}: {reason}");
    }
    ran
}

fn driver(program: &Path, folder: &Path, socket: &Path) -> Result<Child> {
    let namespaces: &[&str] = if rustix::process::geteuid().is_root() {
        &["--mount"]
    } else {
        &["--user", "--map-root-user", "--mount"]
    };
    Command::new("unshare")
        .args(namespaces)
        .args(["--kill-child", "--fork"])
        .arg(program)
        .args([
            "driver",
            "--node-id=node-1",
            "--server=http://127.0.0.1:1",
            "--issuer-name=ca",
        ])
        .arg(format!("--data-root={}", folder.join("data").display()))
        .arg(format!("--endpoint=unix://{}", socket.display()))
        .stdin(Stdio::null())
        .spawn()
        .context("starting the driver under unshare (util-linux)")
}

fn test(sanity: &Path, folder: &Path, socket: &Path) -> Result<()> {
    let names: Vec<&str> = SKIPPED.iter().map(|(name, _)| *name).collect();
    let status = Command::new(sanity)
        .arg(format!("--csi.endpoint=unix://{}", socket.display()))
        .arg(format!("--csi.mountdir={}", folder.join("mount").display()))
        .arg(format!(
            "--csi.stagingdir={}",
            folder.join("staging").display()
        ))
        .arg(format!("--ginkgo.skip={}", names.join("|")))
        .arg("--ginkgo.no-color")
        .status()
        .context("starting csi-sanity")?;
    if !status.success() {
        bail!("csi-sanity: {status}");
    }
    Ok(())
}
