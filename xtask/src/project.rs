//! What only the owner of this project can decide: `project.toml`.
//!
//! Invariant: a value below the domain `invalid`, which nobody can own (RFC 2606), counts as not
//! decided, and nothing is published under it.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::repository;

/// The owner's decisions, by name.
#[derive(Clone, Debug)]
pub struct Project(BTreeMap<String, String>);

impl Project {
    /// Those of this repository.
    ///
    /// # Errors
    /// When the file cannot be read, or a line of it is neither a comment nor `NAME = "VALUE"`.
    pub fn of_this_repository() -> Result<Self> {
        let text = fs::read_to_string(repository::root().join(FILE));
        Self::parse(&text.with_context(|| format!("reading {FILE}"))?)
    }

    /// Reads as much of TOML as the file needs: comments and texts.
    ///
    /// # Errors
    /// As [`Self::of_this_repository`].
    pub fn parse(text: &str) -> Result<Self> {
        let mut values = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let value = line.split_once(" = ").and_then(|(name, rest)| {
                let value = rest.strip_prefix('"')?.strip_suffix('"')?;
                (!value.contains(['"', '\\'])).then_some((name, value))
            });
            let Some((name, value)) = value else {
                bail!("{FILE}:{}: not NAME = \"VALUE\": {line}", number + 1);
            };
            values.insert(name.to_owned(), value.to_owned());
        }
        Ok(Self(values))
    }

    /// A value, whether it is decided or not.
    ///
    /// # Errors
    /// When the file has no such value.
    pub fn value(&self, name: &str) -> Result<&str> {
        let value = self.0.get(name);
        value
            .map(String::as_str)
            .with_context(|| format!("{FILE} has no {name:?}"))
    }

    /// A value, if it is decided.
    pub fn decided(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name)?;
        (!is_placeholder(value)).then_some(value)
    }

    /// The values that nobody has decided yet, with their names.
    pub fn undecided(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self
            .0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        all.filter(|(_, value)| is_placeholder(value))
    }
}

fn is_placeholder(value: &str) -> bool {
    value.contains(".invalid")
}

const FILE: &str = "project.toml";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_below_invalid_is_not_decided() {
        let project = Project::parse(
            "# a\n\nhome = \"https://home.invalid/x\"\nimage = \"quay.example/x\"\n",
        )
        .unwrap();
        assert_eq!(project.value("home").unwrap(), "https://home.invalid/x");
        assert_eq!(project.decided("home"), None);
        assert_eq!(project.decided("image"), Some("quay.example/x"));
        let undecided: Vec<_> = project.undecided().collect();
        assert_eq!(undecided, [("home", "https://home.invalid/x")]);
        assert!(project.value("chart").is_err());
    }

    #[test]
    fn a_line_that_is_not_understood_is_named() {
        for line in ["home = x", "[owner]", "home: \"x\"", "home = \"a\" # \"b\""] {
            let error = Project::parse(&format!("# a\n{line}\n")).unwrap_err();
            assert!(error.to_string().contains("project.toml:2"), "{error}");
        }
    }

    #[test]
    fn the_file_of_this_repository_names_what_a_release_needs() {
        let project = Project::of_this_repository().unwrap();
        for name in ["home", "image", "chart", "security", "conduct"] {
            project.value(name).unwrap();
        }
    }
}
