//! What must be installed before anything is started, with the name of the package.

use std::net::TcpListener;
use std::process::Command;

use anyhow::{Result, bail};

use super::place::{API_PORT, Place, SERVICE_ADDRESS};
use super::{Extent, process};

/// Everything that is missing, at once.
pub(super) fn check(place: &Place, extent: Extent) -> Result<()> {
    let mut missing = Vec::new();
    if !is_root()? {
        missing.push("be root: the cluster mounts, and has addresses of this machine".to_owned());
    }
    let on_node = [
        ("runc", "runc"),
        ("iptables", "iptables"),
        ("busybox", "busybox-static"),
    ];
    let always = [
        ("go", "Go 1.26 or newer, https://go.dev/dl"),
        ("etcd", "etcd-server"),
        ("ip", "iproute2"),
    ];
    let wanted = always
        .iter()
        .chain(on_node.iter().filter(|_| extent == Extent::Node));
    for (program, package) in wanted {
        if find(program).is_none() {
            missing.push(format!("{program}: install {package}"));
        }
    }
    if !process::runs(place, "kube-apiserver") && TcpListener::bind(("0.0.0.0", API_PORT)).is_err()
    {
        missing.push(format!("port {API_PORT} must be free for the API server"));
    }
    if !process::runs(place, "kube-apiserver") && is_taken(SERVICE_ADDRESS)? {
        missing.push(format!(
            "the address {SERVICE_ADDRESS} is in use on this machine"
        ));
    }
    if !missing.is_empty() {
        bail!(
            "the cluster cannot be started here:\n  {}",
            missing.join("\n  ")
        );
    }
    Ok(())
}

fn is_root() -> Result<bool> {
    let output = Command::new("id").arg("-u").output()?;
    Ok(output.stdout.trim_ascii() == b"0")
}

/// Whether the address is on an interface other than the loopback one, where we put it.
fn is_taken(address: &str) -> Result<bool> {
    let output = Command::new("ip").args(["-oneline", "address"]).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let holds = |line: &str| line.contains(&format!(" {address}/")) && !line.contains(": lo ");
    Ok(text.lines().any(holds))
}

/// A program on the PATH.
pub(super) fn find(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    let candidates = std::env::split_paths(&path).map(|folder| folder.join(program));
    candidates.into_iter().find(|candidate| candidate.is_file())
}
