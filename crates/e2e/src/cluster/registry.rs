//! An OCI registry on this machine, from which the node's containerd pulls without encryption.
//!
//! Invariant: it is empty when it starts, and runs only while a [`Registry`] is there.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::build::Tools;
use super::containers::ctr;
use super::place::{self, Place, REGISTRY_PORT};
use super::process::{self, LIMIT, wait};

/// The registry while it runs.
#[derive(Debug)]
pub(crate) struct Registry {
    place: Place,
}

impl Registry {
    /// Starts one and tells containerd how to reach it.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn start(place: &Place, tools: &Tools) -> Result<Self> {
        end_registry(place)?;
        let address = Self::address();
        let store = store(place);
        fs::create_dir_all(&store).with_context(|| format!("making {}", store.display()))?;
        let configuration = place.state.join("registry.yaml");
        place::write(
            &configuration,
            &format!(
                "version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"{address}\"}}\n",
                store.display()
            ),
        )?;
        let hosts = place.registries().join(&address);
        fs::create_dir_all(&hosts).with_context(|| format!("making {}", hosts.display()))?;
        // Read at each pull.
        place::write(
            &hosts.join("hosts.toml"),
            &format!(
                "server = \"http://{address}\"\n[host.\"http://{address}\"]\ncapabilities = [\"pull\", \"resolve\"]\n"
            ),
        )?;
        let registry = Self {
            place: place.clone(),
        };
        let mut command = Command::new(tools.registry.join("registry"));
        command.arg("serve").arg(&configuration);
        process::start(place, NAME, &mut command)?;
        wait("the registry's readiness", LIMIT, || {
            TcpStream::connect(&address).is_ok()
        })
        .with_context(|| format!("see {}", place.log(NAME).display()))?;
        Ok(registry)
    }

    /// Host and port.
    pub(crate) fn address() -> String {
        format!("127.0.0.1:{REGISTRY_PORT}")
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        if let Err(error) = end_registry(&self.place) {
            eprintln!("{error:#}");
        }
    }
}

/// Ends one that a scenario which broke off has left, and takes away what it held.
///
/// # Errors
/// When it does not end.
pub(crate) fn end_registry(place: &Place) -> Result<()> {
    process::stop(place, NAME, PATIENCE).with_context(|| format!("ending {NAME}"))?;
    let store = store(place);
    if store.exists() {
        fs::remove_dir_all(&store).with_context(|| format!("removing {}", store.display()))?;
    }
    Ok(())
}

/// Has containerd forget an image by this reference, if it knows it, so that the kubelet pulls it.
///
/// # Errors
/// When containerd does not answer.
pub(crate) fn forget_image(place: &Place, tools: &Tools, reference: &str) -> Result<()> {
    let there = ctr(place, tools, &["images", "list", "--quiet"])?;
    if there.lines().any(|line| line == reference) {
        ctr(place, tools, &["images", "remove", "--sync", reference])?;
    }
    Ok(())
}

fn store(place: &Place) -> PathBuf {
    place.state.join("registry")
}

const NAME: &str = "registry";
const PATIENCE: Duration = Duration::from_secs(10);
