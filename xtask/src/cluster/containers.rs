//! containerd's own hand, for images and for what must end.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::build::Tools;
use super::place::Place;

/// Runs ctr in the kubelet's namespace and gives what was printed.
pub(super) fn ctr(place: &Place, tools: &Tools, words: &[&str]) -> Result<String> {
    let output = Command::new(tools.containerd.join("ctr"))
        .arg("--address")
        .arg(place.containerd_socket())
        .args(["--namespace", "k8s.io"])
        .args(words)
        .output()
        .context("starting ctr")?;
    if !output.status.success() {
        bail!(
            "ctr {}: {}",
            words.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Imports an OCI archive.
pub(crate) fn import(place: &Place, tools: &Tools, archive: &Path) -> Result<()> {
    ctr(
        place,
        tools,
        &["images", "import", &archive.display().to_string()],
    )?;
    Ok(())
}
