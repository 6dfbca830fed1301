//! containerd's command line tool, for images and for containers that must end.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::build::Tools;
use super::place::Place;
use crate::command;

/// Runs ctr in the kubelet's namespace and gives what was printed.
pub(super) fn ctr(place: &Place, tools: &Tools, words: &[&str]) -> Result<String> {
    command::text(
        Command::new(tools.containerd.join("ctr"))
            .arg("--address")
            .arg(place.containerd_socket())
            .args(["--namespace", "k8s.io"])
            .args(words),
    )
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

/// The process of a container, by the container's name in full.
pub(crate) fn process_of(place: &Place, tools: &Tools, container: &str) -> Result<u32> {
    let table = ctr(place, tools, &["tasks", "list"])?;
    let row = table.lines().find(|line| line.starts_with(container));
    let mut fields = row
        .with_context(|| format!("no task of {container}"))?
        .split_whitespace();
    let id = fields.nth(1).context("a task without process")?;
    Ok(id.parse()?)
}
