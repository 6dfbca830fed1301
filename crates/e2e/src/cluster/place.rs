//! Where the cluster is on this machine: folders, addresses, names.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::repository;

/// The fixed folders of the cluster. Short, since sockets are in them.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// What is kept while it runs: data, keys, logs.
    pub(crate) state: PathBuf,
    /// Sockets and the state of running containers.
    pub(crate) run: PathBuf,
}

/// The first address of the service network, on the loopback interface while the cluster runs, so
/// that pods reach the API server without kube-proxy.
pub(crate) const SERVICE_ADDRESS: &str = "10.0.0.1";
/// Where the API server listens, as pods expect it.
pub(crate) const API_PORT: u16 = 443;
pub(crate) const ETCD_PORT: u16 = 23790;
pub(crate) const ETCD_PEER_PORT: u16 = 23800;
/// Where cert-manager's webhooks listen, for the API server beside them.
pub(crate) const WEBHOOK_ADDRESS: &str = "127.0.0.1";
pub(crate) const WEBHOOK_PORT: u16 = 10260;
/// Where an OCI registry listens, for Helm and containerd.
pub(crate) const REGISTRY_PORT: u16 = 10270;
pub(crate) const NODE_NAME: &str = "node-1";
/// The bridge that pods are on.
pub(crate) const BRIDGE: &str = "cni-csi-spiffe";
/// The namespace of cert-manager and what it keeps.
pub(crate) const CERT_MANAGER: &str = "cert-manager";

impl Place {
    pub(crate) fn of_this_machine() -> Self {
        Self {
            state: PathBuf::from("/var/lib/csi-spiffe-cluster"),
            run: PathBuf::from("/run/csi-spiffe-cluster"),
        }
    }

    /// Makes the folders, for root alone.
    pub(crate) fn make(&self) -> Result<()> {
        let inner = ["logs", "processes", "pki", "etcd", "kubelet", "cni"]
            .map(|name| self.state.join(name));
        for folder in inner.iter().chain([&self.run, &env_folder()]) {
            fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        }
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(self.state.join("pki"), private).context("closing the keys' folder")?;
        Ok(())
    }

    pub(crate) fn log(&self, process: &str) -> PathBuf {
        self.state.join("logs").join(format!("{process}.log"))
    }

    pub(crate) fn administrator(&self) -> PathBuf {
        self.state.join("pki/administrator.kubeconfig")
    }

    pub(crate) fn containerd_socket(&self) -> PathBuf {
        self.run.join("containerd.sock")
    }

    pub(crate) fn kubelet(&self) -> PathBuf {
        self.state.join("kubelet")
    }

    /// What containerd knows of registries, a folder for each.
    pub(crate) fn registries(&self) -> PathBuf {
        self.state.join("registries")
    }

    /// The file of shell assignments for users of the cluster.
    pub(crate) fn env() -> PathBuf {
        env_folder().join("env")
    }
}

fn env_folder() -> PathBuf {
    repository::root().join("target/cluster")
}

/// A file of the repository's `cluster` folder.
pub(crate) fn configuration(name: &str) -> PathBuf {
    repository::root().join("cluster").join(name)
}

pub(crate) fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

/// The name of cert-manager's chart for the webhooks' account, its rights and registrations.
pub(super) const WEBHOOK: &str = "cert-manager-webhook";
