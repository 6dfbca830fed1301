//! The alerts: rules that Prometheus accepts, each of which fires when it should.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::json;

use super::manifests::{Manifests, list, text};
use super::{promtool, template};
use crate::repository;

/// The promises that are broken, by promtool and by the page that explains the alerts.
///
/// # Errors
/// When the chart does not render, or a file cannot be read or written.
pub(super) fn broken(helm: &Path, chart: &Path) -> Result<Vec<String>> {
    let values = [
        "imageRegistry=registry.example.com",
        "monitoring.prometheusRule.enabled=true",
        "monitoring.prometheusRule.runbookURL=https://example.com/alerts.md",
    ];
    let rendered = template(helm, chart, &values)?;
    let manifests = Manifests::parse(&rendered)?;
    let rule = manifests.find("PrometheusRule", "cert-manager-csi-driver-spiffe")?;
    let folder = tempfile::tempdir().context("making a folder")?;
    let rules = folder.path().join("rules.yaml");
    // JSON is YAML.
    fs::write(
        &rules,
        rule.pointer("/spec")
            .context("a rule without spec")?
            .to_string(),
    )
    .context("writing the rules")?;
    let tests = folder.path().join("tests.yaml");
    let files = format!("rule_files: [{}]\n{TESTS}", json!(rules));
    fs::write(&tests, files).context("writing the tests")?;
    let found = [promtool("check", &rules), promtool("test", &tests)];
    let mut broken: Vec<String> = found.into_iter().flatten().collect();
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
