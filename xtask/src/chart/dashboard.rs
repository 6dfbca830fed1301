//! The dashboard: queries that Prometheus can read, about metrics that the documents list. How it
//! looks, only Grafana can tell.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::promtool;
use crate::repository;

/// The promises that are broken.
///
/// # Errors
/// When a file cannot be read or written.
pub(super) fn broken(chart: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(chart.join(DASHBOARD)).context(DASHBOARD)?;
    let dashboard: Value = serde_json::from_str(&text).context("the dashboard is not JSON")?;
    let mut queries = BTreeSet::new();
    collect(&dashboard, &mut queries);
    let mut broken = Vec::new();
    if queries.is_empty() {
        broken.push("the dashboard asks for nothing".to_owned());
    }
    let page = fs::read_to_string(repository::root().join(PAGE)).context(PAGE)?;
    let metrics = queries.iter().flat_map(|query| metrics(query));
    for metric in metrics.collect::<BTreeSet<_>>() {
        if !is_listed(&page, metric) {
            broken.push(format!(
                "the dashboard asks for {metric}, which {PAGE} does not list"
            ));
        }
    }
    // promtool reads queries as those of rules.
    let rules = queries.iter().enumerate();
    let rules: Vec<Value> = rules
        .map(|(number, query)| json!({"record": format!("query{number}"), "expr": query}))
        .collect();
    let folder = tempfile::tempdir().context("making a folder")?;
    let file = folder.path().join("rules.yaml");
    // JSON is YAML.
    let groups = json!({"groups": [{"name": "dashboard", "rules": rules}]});
    fs::write(&file, groups.to_string()).context("writing the queries")?;
    let found = promtool("check", &file);
    broken.extend(found.map(|error| format!("the dashboard: {error}")));
    Ok(broken)
}

/// Every `expr`, at whatever depth.
fn collect(value: &Value, queries: &mut BTreeSet<String>) {
    let fields = value.as_object().into_iter().flatten();
    for (name, value) in fields {
        match value.as_str() {
            Some(query) if name == "expr" => {
                queries.insert(query.to_owned());
            }
            _ => collect(value, queries),
        }
    }
    let values = value.as_array().into_iter().flatten();
    values.for_each(|value| collect(value, queries));
}

/// Our metrics in a query.
fn metrics(query: &str) -> impl Iterator<Item = &str> {
    let words = query.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with(PREFIX))
}

/// Whether the page has it in a table of a role, by its name without the role's prefix. A histogram
/// is listed once and has three.
fn is_listed(page: &str, metric: &str) -> bool {
    let name = ["driver_", "approver_"]
        .iter()
        .find_map(|role| metric.strip_prefix(PREFIX)?.strip_prefix(role));
    name.is_some_and(|name| {
        let histogram = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix));
        let name = histogram.unwrap_or(name);
        page.contains(&format!("`{name}`")) || page.contains(&format!("`{name}{{"))
    })
}

const DASHBOARD: &str = "dashboards/csi-driver-spiffe.json";
const PAGE: &str = "docs/operations.md";
const PREFIX: &str = "csi_driver_spiffe_";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_found_in_queries_and_looked_up_by_their_listed_names() {
        let query = "sum by (le) (rate(csi_driver_spiffe_driver_wait_seconds_bucket{a=\"b\"}[5m])) \
            / csi_driver_spiffe_approver_leader";
        let found: Vec<_> = metrics(query).collect();
        let expected = [
            "csi_driver_spiffe_driver_wait_seconds_bucket",
            "csi_driver_spiffe_approver_leader",
        ];
        assert_eq!(found, expected);
        let page = "| `wait_seconds{stage}` | x |\n| `leader` | y |\n";
        assert!(expected.iter().all(|metric| is_listed(page, metric)));
        assert!(!is_listed(page, "csi_driver_spiffe_approver_lead"));
        assert!(!is_listed(page, "csi_driver_spiffe_driver_wait"));
    }
}
