//! Rendered objects.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// What one rendering gave.
pub(super) struct Manifests(Vec<Value>);

impl Manifests {
    /// Reads the documents; empty ones are left out.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let documents: Vec<Value> = serde_saphyr::from_multiple(text)?;
        let objects: Vec<Value> = documents
            .into_iter()
            .filter(|document| !document.is_null())
            .collect();
        let mut names: Vec<String> = objects.iter().map(name).collect();
        names.sort();
        if let Some(pair) = names.windows(2).find(|pair| pair.first() == pair.last()) {
            ensure!(false, "{pair:?} is there twice");
        }
        Ok(Self(objects))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn all(&self) -> &[Value] {
        &self.0
    }

    /// The objects of a kind.
    pub(super) fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.0
            .iter()
            .filter(move |object| text(object, "/kind") == kind)
    }

    /// The object of a kind and name.
    pub(super) fn find(&self, kind: &str, name: &str) -> Result<&Value> {
        let is_it = |object: &&Value| {
            text(object, "/kind") == kind && text(object, "/metadata/name") == name
        };
        self.0
            .iter()
            .find(is_it)
            .with_context(|| format!("there is no {kind} {name}"))
    }
}

fn name(object: &Value) -> String {
    ["/kind", "/metadata/namespace", "/metadata/name"]
        .map(|path| text(object, path))
        .join("/")
}

/// The text at a JSON pointer; empty where there is none.
pub(super) fn text<'a>(object: &'a Value, path: &str) -> &'a str {
    object
        .pointer(path)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The list at a JSON pointer; empty where there is none.
pub(super) fn list<'a>(object: &'a Value, path: &str) -> &'a [Value] {
    object
        .pointer(path)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}
