//! What the Helm chart renders to: `cargo xtask chart`.
//!
//! Owns the promises about rendered manifests that need no cluster: every values file in the
//! chart's `ci` folder renders, names are those of the chart that it replaces, rights are as narrow
//! as they can be, the program takes the arguments that it is given, and no image is rendered that
//! the values do not name.

mod admission;
mod images;
mod manifests;
mod promises;

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::{command, programs, repository};
use manifests::Manifests;

/// Lints the chart and checks what it renders to.
///
/// # Errors
/// Every broken promise, by values file.
pub(crate) fn run() -> Result<()> {
    let helm = programs::helm()?;
    let chart = repository::chart();
    let program = repository::program()?;
    let mut broken = Vec::new();
    for values in repository::files(&chart.join("ci"))? {
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
        let found = promises::broken(&name, &manifests, &program)?;
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
    let found = images::broken(&helm, &chart);
    println!(
        "images: {} renderings, {} promises broken",
        images::COUNT,
        found.len()
    );
    broken.extend(found);
    if !broken.is_empty() {
        bail!("{}", broken.join("\n"));
    }
    Ok(())
}

fn call(helm: &Path, words: &[&str], chart: &Path, values: &Path) -> Result<String> {
    command::text(
        Command::new(helm)
            .args(words)
            .arg(chart)
            .arg("--values")
            .arg(values),
    )
}
