//! The alerts: rules that Prometheus accepts, each of which fires when it should.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::VERSION;
use super::manifests::{Manifests, list, text};
use crate::{command, repository};

/// The promises that are broken, by promtool and by the page that explains the alerts.
///
/// # Errors
/// When the chart does not render, or promtool cannot be started.
pub(super) fn broken(helm: &Path, chart: &Path) -> Result<Vec<String>> {
    let rendered = command::text(
        Command::new(helm)
            .args(["template", "csi-driver-spiffe", VERSION])
            .arg(chart)
            .args(["--set", "imageRegistry=registry.example.com"])
            .args(["--set", "monitoring.prometheusRule.enabled=true"])
            .args([
                "--set",
                "monitoring.prometheusRule.runbookURL=https://example.com/alerts.md",
            ]),
    )?;
    let manifests = Manifests::parse(&rendered)?;
    let rule = manifests.find("PrometheusRule", "cert-manager-csi-driver-spiffe")?;
    let folder = tempfile::tempdir().context("making a folder")?;
    let rules = folder.path().join("rules.yaml");
    // JSON is YAML.
    fs::write(&rules, rule["spec"].to_string()).context("writing the rules")?;
    let tests = folder.path().join("tests.yaml");
    let mut cases: Value = serde_saphyr::from_str(TESTS).context("alerts.test.yaml is not YAML")?;
    cases["rule_files"] = json!([rules]);
    fs::write(&tests, cases.to_string()).context("writing the tests")?;
    let mut broken = Vec::new();
    for words in [["check", "rules"], ["test", "rules"]] {
        let file = if words[0] == "check" { &rules } else { &tests };
        let done = command::text(Command::new("promtool").args(words).arg(file));
        if let Err(error) = done {
            broken.push(format!(
                "{error:#} (promtool is in Debian's package prometheus)"
            ));
        }
    }
    let page = fs::read_to_string(repository::root().join("docs/alerts.md"));
    let page = page.context("reading docs/alerts.md")?;
    for alert in list(rule, "/spec/groups/0/rules") {
        let name = text(alert, "/alert");
        let anchor = format!("alerts.md#{}", name.to_lowercase());
        if !text(alert, "/annotations/runbook_url").ends_with(&anchor) {
            broken.push(format!(
                "the alert {name} does not name its runbook {anchor}"
            ));
        }
        let (heading, expression) = (format!("## {name}\n"), text(alert, "/expr"));
        if !page.contains(&heading) || !page.contains(expression) {
            broken.push(format!(
                "docs/alerts.md does not explain {name}: {expression}"
            ));
        }
        if !TESTS.contains(&format!("alertname: {name}\n")) {
            broken.push(format!("no test in alerts.test.yaml has {name} fire"));
        }
    }
    Ok(broken)
}

/// As `promtool test rules` reads them, but for the name of the file with the rules.
const TESTS: &str = include_str!("alerts.test.yaml");
