//! What the Helm chart renders to: `cargo xtask chart`.
//!
//! Owns the promises about rendered manifests that need no cluster: every values file in the
//! chart's `ci` folder renders, names are those of the chart that it replaces, rights are as
//! narrow as they can be, and the program takes the arguments that it is given.

mod manifests;
mod promises;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::{cluster, repository};
use manifests::Manifests;

/// Lints the chart and checks what it renders to.
///
/// # Errors
/// Every broken promise, by values file.
pub(crate) fn run() -> Result<()> {
    let helm = cluster::helm()?;
    let chart = repository::root().join("deploy/charts/csi-driver-spiffe");
    let status = repository::cargo(&["build", "--package=csi-driver-spiffe"]).status();
    if !status.context("starting cargo")?.success() {
        bail!("the program was not built");
    }
    let mut broken = Vec::new();
    for values in values_files(&chart)? {
        let name = values
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        call(&helm, &["lint", "--strict"], &chart, &values)?;
        let text = call(
            &helm,
            &["template", "csi-driver-spiffe", "--namespace=cert-manager"],
            &chart,
            &values,
        )?;
        let manifests =
            Manifests::parse(&text).with_context(|| format!("reading what {name} gives"))?;
        let found = promises::broken(&name, &manifests)?;
        println!(
            "{name}: {} objects, {} promises broken",
            manifests.len(),
            found.len()
        );
        broken.extend(
            found
                .into_iter()
                .map(|promise| format!("{name}: {promise}")),
        );
    }
    if !broken.is_empty() {
        bail!("{}", broken.join("\n"));
    }
    Ok(())
}

fn values_files(chart: &Path) -> Result<Vec<PathBuf>> {
    let folder = chart.join("ci");
    let entries = fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    Ok(files)
}

fn call(helm: &Path, words: &[&str], chart: &Path, values: &Path) -> Result<String> {
    let output = Command::new(helm)
        .args(words)
        .arg(chart)
        .arg("--values")
        .arg(values)
        .output()
        .context("starting helm")?;
    if !output.status.success() {
        let (out, error) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        bail!(
            "helm {} with {}: {out}{error}",
            words.join(" "),
            values.display()
        );
    }
    Ok(String::from_utf8(output.stdout)?)
}
