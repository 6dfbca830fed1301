//! The end of the cluster, whatever state it is in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::firewall;
use super::place::{BRIDGE, Place, SERVICE_ADDRESS};
use super::process::{self, signal, wait};

/// What others need to end. The API server before etcd, whose loss it would wait for.
const LAST: [&str; 3] = ["containerd", "kube-apiserver", "etcd"];

/// Ends every process and removes every mount, address and folder.
pub(super) fn down(place: &Place) -> Result<()> {
    // The kubelet first, or it restarts what is ended.
    process::stop(place, "kubelet", SHORT)?;
    let recorded = process::recorded(place)?.into_iter();
    for name in recorded.filter(|name| !LAST.contains(&name.as_str())) {
        process::stop(place, &name, SHORT)?;
    }
    end_containers(place)?;
    for name in LAST {
        process::stop(place, name, SHORT)?;
    }
    unmount(place)?;
    network();
    for folder in [&place.state, &place.run] {
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))?;
        }
    }
    let env = Place::env();
    if env.exists() {
        fs::remove_file(&env).with_context(|| format!("removing {}", env.display()))?;
    }
    println!("the cluster is down");
    Ok(())
}

/// Containers and their shims outlive containerd, so they are found by the folder they run in.
fn end_containers(place: &Place) -> Result<()> {
    let ours = place.run.display().to_string();
    let shims = || {
        let found = processes().into_iter().filter(|(_, words)| {
            words.contains("containerd-shim-runc-v2") && words.contains(&ours)
        });
        found.map(|(id, _)| id).collect::<Vec<_>>()
    };
    for shim in shims() {
        for child in children(shim) {
            signal(child, "KILL")?;
        }
    }
    wait("the end of every container", LONG, || {
        let left = shims();
        // A shim whose containers have ended waits for containerd to say that it may go.
        for shim in &left {
            if children(*shim).is_empty() {
                let _gone = signal(*shim, "KILL");
            }
        }
        left.is_empty()
    })
}

/// Every mount below our folders, the deepest first, and again while layers appear below.
fn unmount(place: &Place) -> Result<()> {
    for _ in 0..20 {
        let mounts = mounts_below(&[&place.state, &place.run])?;
        if mounts.is_empty() {
            return Ok(());
        }
        for mount in mounts.iter().rev() {
            Command::new("umount")
                .args(["--lazy", "--no-mtab"])
                .arg(mount)
                .output()?;
        }
    }
    bail!(
        "mounts stay: {:?}",
        mounts_below(&[&place.state, &place.run])?
    )
}

/// Where something is mounted below folders, in the order of the kernel's table.
pub(crate) fn mounts_below(folders: &[&Path]) -> Result<Vec<PathBuf>> {
    let table = fs::read_to_string("/proc/self/mountinfo").context("reading the mount table")?;
    let at = |line: &str| line.split(' ').nth(4).map(PathBuf::from);
    let below = |path: &PathBuf| folders.iter().any(|folder| path.starts_with(folder));
    Ok(table.lines().filter_map(at).filter(below).collect())
}

/// The bridge, what pods' ends of it are in, rules between them, and the API server's address.
fn network() {
    firewall::end();
    // Each may be gone already.
    let ip = |words: &[&str]| drop(Command::new("ip").args(words).output());
    ip(&["link", "delete", BRIDGE]);
    ip(&[
        "address",
        "delete",
        &format!("{SERVICE_ADDRESS}/32"),
        "dev",
        "lo",
    ]);
    let spaces = fs::read_dir("/run/netns").into_iter().flatten().flatten();
    for space in spaces.filter(|space| space.file_name().to_string_lossy().starts_with("cni-")) {
        ip(&["netns", "delete", &space.file_name().to_string_lossy()]);
    }
    drop(fs::remove_dir_all("/var/lib/cni/networks/csi-spiffe"));
}

fn processes() -> Vec<(u32, String)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_string_lossy().parse().ok());
    ids.filter_map(|id: u32| {
        let words = fs::read(Path::new("/proc").join(id.to_string()).join("cmdline")).ok()?;
        Some((id, String::from_utf8_lossy(&words).replace('\0', " ")))
    })
    .collect()
}

fn children(of: u32) -> Vec<u32> {
    let path = format!("/proc/{of}/task/{of}/children");
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace()
        .filter_map(|id| id.parse().ok())
        .collect()
}

const SHORT: Duration = Duration::from_secs(10);
const LONG: Duration = Duration::from_secs(30);
