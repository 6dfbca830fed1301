//! What the Helm chart renders to: `cargo xtask chart`.
//!
//! Owns the promises about rendered manifests that need no cluster: every values file in the
//! chart's `ci` folder renders, each value is set by one of them, names are those of the chart that
//! it replaces, rights are as narrow as they can be, the program takes the arguments that it is
//! given, both roles agree on the annotations of requests, no image is rendered that the values do
//! not name, nobody is let in by a network policy but who is named, `helm test` only looks, and the
//! notes say what is left to do.

mod admission;
mod alerts;
mod annotations;
mod dashboard;
mod defaults;
mod images;
mod looking;
mod manifests;
mod networks;
mod notes;
mod promises;
mod values;

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::{command, programs, repository};
use manifests::Manifests;
use programs::KUBE_VERSION;

/// Lints the chart and checks what it renders to. With `--write` makes its README, the descriptions
/// in its schema and the version in Chart.yaml instead.
///
/// # Errors
/// Every broken promise, by values file.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let chart = repository::chart();
    match words {
        [] => {}
        [word] if word == "--write" => return values::write(&chart),
        _ => bail!("say `chart` or `chart --write`"),
    }
    let helm = programs::helm()?;
    let program = repository::program()?;
    let mut broken = values::stale(&chart)?;
    let files = repository::files(&chart.join("ci"))?;
    broken.extend(values::untried(&chart, &files)?);
    for values in files {
        let name = values
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        call(&helm, &["lint", "--strict", KUBE_VERSION], &chart, &values)?;
        let text = call(
            &helm,
            &[
                "template",
                "csi-driver-spiffe",
                "--namespace=cert-manager",
                KUBE_VERSION,
            ],
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
    for (what, count, found) in [
        ("images", images::COUNT, images::broken(&helm, &chart)),
        (
            "annotations",
            annotations::COUNT,
            annotations::broken(&helm, &chart),
        ),
        (
            "network policies",
            networks::COUNT,
            networks::broken(&helm, &chart),
        ),
    ] {
        println!(
            "{what}: {count} renderings, {} promises broken",
            found.len()
        );
        broken.extend(found);
    }
    let found = notes::broken(&helm, &chart)?;
    println!(
        "notes: {} renderings, {} promises broken",
        notes::COUNT,
        found.len()
    );
    broken.extend(found);
    broken.extend(defaults::broken_as_dependency(&helm, &chart)?);
    let found = alerts::broken(&helm, &chart)?;
    println!("alerts: {} promises broken", found.len());
    broken.extend(found);
    let found = dashboard::broken(&chart)?;
    println!("dashboard: {} promises broken", found.len());
    broken.extend(found);
    if !broken.is_empty() {
        bail!("{}", broken.join("\n"));
    }
    Ok(())
}

/// What the chart renders to with values that are named one by one.
fn template(helm: &Path, chart: &Path, values: &[&str]) -> Result<String> {
    let mut command = Command::new(helm);
    command
        .args(["template", "csi-driver-spiffe", KUBE_VERSION])
        .arg(chart);
    for value in values {
        command.args(["--set", value]);
    }
    command::text(&mut command)
}

/// What promtool finds wrong with a file of rules, or with the tests of some.
fn promtool(word: &str, file: &Path) -> Option<String> {
    let done = command::text(Command::new("promtool").args([word, "rules"]).arg(file));
    let error = done.err()?;
    Some(format!(
        "{error:#} (promtool is in Debian's package prometheus)"
    ))
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
