//! etcd, API server, controllers, scheduler, and what is registered with them: cert-manager.

use std::process::Command;

use anyhow::{Context as _, Result};

use super::build::Tools;
use super::cert_manager;
use super::kubectl::Kubectl;
use super::pki::Pki;
use super::place::{API_PORT, ETCD_PEER_PORT, ETCD_PORT, Place, SERVICE_ADDRESS};
use super::process::{self, LIMIT, wait};

/// Starts what does not run and waits until requests would be signed.
pub(super) fn start(place: &Place, tools: &Tools, pki: &Pki) -> Result<()> {
    let address = format!("{SERVICE_ADDRESS}/32");
    // Fails where it is there already.
    let _there = Command::new("ip")
        .args(["address", "add", &address, "dev", "lo"])
        .output();
    etcd(place)?;
    api_server(place, tools, pki)?;
    let kubectl = Kubectl::new(place, tools);
    wait("the API server's readiness", LIMIT, || {
        kubectl.run(&["get", "--raw", "/readyz"]).is_ok()
    })
    .with_context(|| format!("see {}", place.log("kube-apiserver").display()))?;
    controllers(place, tools, pki)?;
    cert_manager::start(place, tools, pki, &kubectl)
}

fn etcd(place: &Place) -> Result<()> {
    let (client, peer) = (
        format!("http://127.0.0.1:{ETCD_PORT}"),
        format!("http://127.0.0.1:{ETCD_PEER_PORT}"),
    );
    let mut command = Command::new("etcd");
    command
        .arg("--unsafe-no-fsync")
        .arg("--data-dir")
        .arg(place.state.join("etcd"))
        .args([
            "--listen-client-urls",
            &client,
            "--advertise-client-urls",
            &client,
        ])
        .args([
            "--listen-peer-urls",
            &peer,
            "--initial-advertise-peer-urls",
            &peer,
        ])
        .args(["--initial-cluster", &format!("default={peer}")]);
    process::start(place, "etcd", &mut command)
}

fn api_server(place: &Place, tools: &Tools, pki: &Pki) -> Result<()> {
    let file = |flag: &str, name: &str| format!("--{flag}={}", pki.path(name).display());
    let mut command = Command::new(tools.kubernetes.join("kube-apiserver"));
    command
        .arg(format!("--etcd-servers=http://127.0.0.1:{ETCD_PORT}"))
        .args([
            "--bind-address=0.0.0.0",
            &format!("--secure-port={API_PORT}"),
        ])
        .arg(format!("--advertise-address={SERVICE_ADDRESS}"))
        .arg("--service-cluster-ip-range=10.0.0.0/24")
        .args([
            file("tls-cert-file", "apiserver.crt"),
            file("tls-private-key-file", "apiserver.key"),
        ])
        .arg(file("client-ca-file", "ca.crt"))
        .arg(file("service-account-key-file", "service-accounts.pub"))
        .arg(file(
            "service-account-signing-key-file",
            "service-accounts.key",
        ))
        .arg("--service-account-issuer=https://kubernetes.default.svc")
        .arg(file("kubelet-client-certificate", "administrator.crt"))
        .arg(file("kubelet-client-key", "administrator.key"))
        .args([
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
        ])
        .args([
            "--allow-privileged=true",
            "--kubelet-preferred-address-types=InternalIP",
        ])
        .arg("--shutdown-delay-duration=0s");
    process::start(place, "kube-apiserver", &mut command)
}

fn controllers(place: &Place, tools: &Tools, pki: &Pki) -> Result<()> {
    let file = |flag: &str, name: &str| format!("--{flag}={}", pki.path(name).display());
    let mut command = Command::new(tools.kubernetes.join("kube-controller-manager"));
    command
        .args([
            file("kubeconfig", "controllers.kubeconfig"),
            file("root-ca-file", "ca.crt"),
        ])
        .arg(file(
            "service-account-private-key-file",
            "service-accounts.key",
        ))
        .args(["--use-service-account-credentials", "--leader-elect=false"])
        .args(["--bind-address=127.0.0.1", "--secure-port=10257"]);
    process::start(place, "kube-controller-manager", &mut command)?;
    let mut command = Command::new(tools.kubernetes.join("kube-scheduler"));
    command
        .args([
            file("kubeconfig", "scheduler.kubeconfig"),
            "--leader-elect=false".to_owned(),
        ])
        .args(["--bind-address=127.0.0.1", "--secure-port=10259"]);
    process::start(place, "kube-scheduler", &mut command)
}
