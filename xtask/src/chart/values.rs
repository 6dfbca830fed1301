//! The chart's files that are made: descriptions in values.schema.json and the README, from the
//! comments in values.yaml, and the version in Chart.yaml, which is the workspace's.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value};

use crate::image;

/// One value that can be set.
struct Setting {
    /// The names that lead to it.
    path: Vec<String>,
    comment: String,
}

/// Writes the descriptions, the README and the version.
///
/// # Errors
/// When a value has no comment, or a file cannot be read or written.
pub(super) fn write(chart: &Path) -> Result<()> {
    for (path, text) in generated(chart)? {
        fs::write(chart.join(path), text).with_context(|| format!("writing {path}"))?;
    }
    Ok(())
}

/// The files that are not what values.yaml and the version make of them.
///
/// # Errors
/// As [`write`].
pub(super) fn stale(chart: &Path) -> Result<Vec<String>> {
    let mut stale = Vec::new();
    for (path, text) in generated(chart)? {
        if fs::read_to_string(chart.join(path)).unwrap_or_default() != text {
            stale.push(format!(
                "{path} is not what values.yaml and the workspace's version make of it: run cargo xtask chart --write"
            ));
        }
    }
    Ok(stale)
}

/// The values that none of these files sets to something else than the default.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn untried(chart: &Path, files: &[PathBuf]) -> Result<Vec<String>> {
    let read = |path: &Path| -> Result<Value> {
        let text = fs::read_to_string(path).with_context(|| format!("reading {path:?}"))?;
        serde_saphyr::from_str(&text).with_context(|| format!("{path:?} is not YAML"))
    };
    let defaults = read(&chart.join(VALUES))?;
    let files: Vec<Value> = files.iter().map(|path| read(path)).collect::<Result<_>>()?;
    let schema = fs::read_to_string(chart.join(SCHEMA)).context("reading the schema")?;
    let schema = serde_json::from_str(&schema).context("the schema is not JSON")?;
    let leaves = leaves(&schema, &[]).into_iter();
    // Of charts that depend on this one; rendered in one.
    let leaves = leaves.filter(|path| path != &["global"] && path != &["enabled"]);
    Ok(leaves
        .filter(|path| {
            let pointer = format!("/{}", path.join("/"));
            let default = defaults.pointer(&pointer);
            let mut values = files.iter().filter_map(|file| file.pointer(&pointer));
            !values.any(|value| Some(value) != default)
        })
        .map(|path| format!("no file of ci sets {} to something else", path.join(".")))
        .collect())
}

fn generated(chart: &Path) -> Result<[(&'static str, String); 3]> {
    let text = fs::read_to_string(chart.join(VALUES)).context("reading values.yaml")?;
    let values: Value = serde_saphyr::from_str(&text).context("values.yaml is not YAML")?;
    let settings = settings(&text);
    let schema = fs::read_to_string(chart.join(SCHEMA)).context("reading the schema")?;
    let schema: Value = serde_json::from_str(&schema).context("the schema is not JSON")?;
    let leaves: Vec<Vec<String>> = leaves(&schema, &[])
        .into_iter()
        // Helm's own, in charts that depend on this one.
        .filter(|path| path != &["global"])
        .collect();
    let silent: Vec<String> = leaves
        .iter()
        .filter(|path| !settings.iter().any(|setting| setting.path == **path))
        .map(|path| path.join("."))
        .collect();
    ensure!(silent.is_empty(), "values.yaml says nothing of {silent:?}");
    let about = fs::read_to_string(chart.join(ABOUT)).context("reading Chart.yaml")?;
    Ok([
        (ABOUT, versioned(&about, image::version())),
        (SCHEMA, described(schema, &settings)?),
        (README, readme(&values, &leaves, &settings)),
    ])
}

/// Chart.yaml with this version for the chart and for what it installs: they are released as one.
fn versioned(about: &str, version: &str) -> String {
    let line = |line: &str| match line.split_once(':') {
        Some((key @ ("version" | "appVersion"), _)) => format!("{key}: {version}\n"),
        _ => format!("{line}\n"),
    };
    about.lines().map(line).collect()
}

/// The comment of a key is what stands directly above it, at its depth.
fn settings(text: &str) -> Vec<Setting> {
    let mut settings = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let mut comment = String::new();
    for line in text.lines() {
        let words = line.trim_start();
        let depth = (line.len() - words.len()) / 2;
        if let Some(words) = words.strip_prefix('#') {
            let separator = if comment.is_empty() { "" } else { " " };
            comment = format!("{comment}{separator}{}", words.trim());
            continue;
        }
        if let Some((key, _)) = words.split_once(':').filter(|(key, _)| is_name(key)) {
            path.truncate(depth);
            path.push(key.to_owned());
            if !comment.is_empty() {
                settings.push(Setting {
                    path: path.clone(),
                    comment: comment.clone(),
                });
            }
        }
        comment.clear();
    }
    settings
}

fn is_name(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|letter| letter.is_ascii_alphanumeric())
}

/// Paths of all values, as the schema has them: what has no properties is one value.
fn leaves(schema: &Value, path: &[String]) -> Vec<Vec<String>> {
    match schema.get("properties").and_then(Value::as_object) {
        Some(properties) => properties
            .iter()
            .flat_map(|(name, schema)| leaves(schema, &[path, std::slice::from_ref(name)].concat()))
            .collect(),
        None => vec![path.to_owned()],
    }
}

fn described(mut schema: Value, settings: &[Setting]) -> Result<String> {
    for Setting { path, comment } in settings {
        let pointer: String = path.iter().fold(String::new(), |pointer, name| {
            format!("{pointer}/properties/{name}")
        });
        let Some(Value::Object(property)) = schema.pointer_mut(&pointer) else {
            // A list of maps says itself what it holds.
            continue;
        };
        let mut described = Map::new();
        described.insert("description".to_owned(), comment.clone().into());
        property.remove("description");
        described.append(property);
        *property = described;
    }
    Ok(format!("{}\n", serde_json::to_string_pretty(&schema)?))
}

fn readme(values: &Value, leaves: &[Vec<String>], settings: &[Setting]) -> String {
    let mut text = INTRODUCTION.to_owned();
    for path in leaves {
        let Some(setting) = settings.iter().find(|setting| setting.path == *path) else {
            continue;
        };
        let default = values.pointer(&format!("/{}", path.join("/")));
        let default = default.map(Value::to_string).unwrap_or_default();
        let comment = setting.comment.replace('|', "\\|");
        let line = writeln!(text, "| `{}` | `{default}` | {comment} |", path.join("."));
        debug_assert!(line.is_ok(), "a text can always be written to");
    }
    text
}

const ABOUT: &str = "Chart.yaml";
const VALUES: &str = "values.yaml";
const SCHEMA: &str = "values.schema.json";
const README: &str = "README.md";
const INTRODUCTION: &str = "<!-- Made from values.yaml by `cargo xtask chart --write`. -->
# The chart of csi-driver-spiffe

Installs the CSI driver (a DaemonSet) and the approver (a Deployment) that give each pod a SPIFFE identity
through cert-manager. In the repository, docs/install.md says what comes before and after, and docs/quickstart.md is one
whole example.

Names and values are those of the Go driver's chart; values marked \"New\" are not known there.

| value | default | meaning |
| --- | --- | --- |
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chart_and_what_it_installs_have_one_version() {
        let about = "apiVersion: v2\nname: version\nversion: 0.15.0\nappVersion: v0.14.0\n";
        assert_eq!(
            versioned(about, "1.2.3"),
            "apiVersion: v2\nname: version\nversion: 1.2.3\nappVersion: 1.2.3\n"
        );
    }

    #[test]
    fn a_comment_belongs_to_the_key_below_it_and_to_no_other() {
        let text = "# The file.\n\n# One.\na: 1\nb:\n  # Two,\n  # and more.\n  c: {}\n  d: []\n";
        let found: Vec<(String, String)> = settings(text)
            .into_iter()
            .map(|setting| (setting.path.join("."), setting.comment))
            .collect();
        let expected = [("a", "One."), ("b.c", "Two, and more.")];
        assert_eq!(
            found,
            expected.map(|(path, comment)| (path.to_owned(), comment.to_owned()))
        );
    }

    #[test]
    fn what_has_no_properties_is_one_value() {
        let schema = serde_json::json!({"properties": {
            "a": {"properties": {"b": {"type": "string"}, "c": {"type": "object"}}},
            "d": {"additionalProperties": {"type": "string"}},
        }});
        let found: Vec<String> = leaves(&schema, &[])
            .into_iter()
            .map(|path| path.join("."))
            .collect();
        assert_eq!(found, ["a.b", "a.c", "d"]);
    }

    #[test]
    fn a_description_is_put_first_and_replaces_the_old_one() {
        let schema = serde_json::json!({"properties": {"a": {
            "description": "old", "type": "string"}}});
        let settings = settings("# New.\na: x\n");
        let text = described(schema, &settings).unwrap();
        assert!(!text.contains("old"));
        assert!(text.contains("\"description\": \"New.\""));
    }
}
