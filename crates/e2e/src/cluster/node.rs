//! containerd, the pods' network and the kubelet: what makes this machine a node.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::build::Tools;
use super::kubectl::Kubectl;
use super::pki::Pki;
use super::place::{self, BRIDGE, NODE_NAME, Place};
use super::process::{self, wait};
use super::{containers, prerequisites};
use crate::image;

/// Starts what does not run and waits until the node takes pods.
pub(super) fn start(place: &Place, tools: &Tools, pki: &Pki) -> Result<()> {
    containerd(place, tools)?;
    images(place, tools)?;
    kubelet(place, tools, pki)?;
    let kubectl = Kubectl::new(place, tools);
    let node = format!("node/{NODE_NAME}");
    wait("the node's registration", LIMIT, || {
        kubectl.run(&["get", &node]).is_ok()
    })
    .with_context(|| format!("see {}", place.log("kubelet").display()))?;
    kubectl
        .run(&["wait", "--for=condition=Ready", "--timeout=120s", &node])
        .with_context(|| format!("see {}", place.log("kubelet").display()))?;
    Ok(())
}

fn containerd(place: &Place, tools: &Tools) -> Result<()> {
    // The bridge plugin and its network, with iptables' absence of rules.
    let network = place.state.join("cni");
    let text = place::read(&place::configuration("config/pods.conflist"))?;
    place::write(
        &network.join("pods.conflist"),
        &text.replace("BRIDGE", BRIDGE),
    )?;
    let template = place::read(&place::configuration("config/containerd.toml"))?;
    let configuration = template
        .replace(
            "ROOT",
            &place.state.join("containerd").display().to_string(),
        )
        .replace("RUN", &place.run.join("containerd").display().to_string())
        .replace("SOCKET", &place.containerd_socket().display().to_string())
        .replace("HOSTS", &place.registries().display().to_string())
        .replace("CNI_BIN", &tools.cni.display().to_string())
        .replace("CNI_CONF", &network.display().to_string());
    let path = place.state.join("containerd.toml");
    place::write(&path, &configuration)?;
    // The soft limit of open files that containers get where systemd starts containerd. Here it is
    // the hard limit too, since some versions of runc start containers with that.
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 1024 && exec \"$0\" \"$@\""]);
    // It finds its shim beside itself, by the PATH.
    let old = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(tools.containerd.clone()).chain(std::env::split_paths(&old));
    command
        .arg(tools.containerd.join("containerd"))
        .arg("--config")
        .arg(&path)
        .env("PATH", std::env::join_paths(folders)?);
    process::start(place, "containerd", &mut command)?;
    wait("containerd's readiness", LIMIT, || {
        containers::ctr(place, tools, &["version"]).is_ok()
    })
    .with_context(|| format!("see {}", place.log("containerd").display()))
}

/// A pause image and one with a shell, made of the machine's static busybox.
fn images(place: &Place, tools: &Tools) -> Result<()> {
    let there = containers::ctr(place, tools, &["images", "list", "--quiet"])?;
    if there.contains("localhost/busybox:1") {
        return Ok(());
    }
    let busybox = prerequisites::find("busybox").context("finding busybox")?;
    let archive = place.state.join("busybox.tar");
    image::write_busybox(&busybox, &tools.peer.join("peer"), &archive)?;
    containers::import(place, tools, &archive)
}

/// Restarts the kubelet; pods keep running.
pub(crate) fn restart_kubelet(place: &Place, tools: &Tools) -> Result<()> {
    process::stop(place, "kubelet", LIMIT)?;
    kubelet(place, tools, &Pki::in_place(place)?)?;
    wait("the kubelet's readiness", LIMIT, || {
        TcpStream::connect(("127.0.0.1", KUBELET_PORT)).is_ok()
    })
}

fn kubelet(place: &Place, tools: &Tools, pki: &Pki) -> Result<()> {
    let template = place::read(&place::configuration("config/kubelet.yaml"))?;
    let configuration = template
        .replace(
            "PKI",
            pki.path("").display().to_string().trim_end_matches('/'),
        )
        .replace("SOCKET", &place.containerd_socket().display().to_string());
    let path = place.state.join("kubelet.yaml");
    place::write(&path, &configuration)?;
    resolver(&place.state.join("resolv.conf"))?;
    let mut command = Command::new(tools.kubernetes.join("kubelet"));
    command
        .arg(format!("--config={}", path.display()))
        .arg(format!(
            "--kubeconfig={}",
            pki.path("node.kubeconfig").display()
        ))
        .arg(format!("--hostname-override={NODE_NAME}"))
        .arg(format!("--root-dir={}", place.kubelet().display()));
    process::start(place, "kubelet", &mut command)
}

/// The cluster has no DNS; pods still want a file.
fn resolver(path: &Path) -> Result<()> {
    if !path.exists() {
        place::write(path, "nameserver 127.0.0.1\n")?;
    }
    let etc = Path::new("/etc/resolv.conf");
    if !etc.exists() && fs::symlink_metadata(etc).is_err() {
        symlink(path, etc).context("giving the machine a resolv.conf")?;
    }
    Ok(())
}

/// Where the kubelet serves exec and logs.
const KUBELET_PORT: u16 = 10250;
const LIMIT: Duration = Duration::from_secs(120);
