//! Source files that no `mod` names, which the compiler and every test pass over in silence.
//!
//! Follows this repository's layout: `foo/mod.rs`, no `mod` inside an inline module, no `#[path]`.
//! Anything else shows up as an orphan.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::facts::Sources;

/// Follows the `mod` lines from the roots and names every file that they do not lead to.
pub(super) fn violations(roots: &[PathBuf], sources: &Sources) -> Vec<String> {
    let mut reached = BTreeSet::new();
    let mut waiting: Vec<(PathBuf, PathBuf)> = roots
        .iter()
        .map(|root| (root.clone(), parent(root)))
        .collect();
    while let Some((file, children)) = waiting.pop() {
        let Some(text) = sources.get(&file) else {
            continue;
        };
        if !reached.insert(file) {
            continue;
        }
        for name in text.lines().filter_map(declared) {
            let folder = children.join(name);
            waiting.push((children.join(format!("{name}.rs")), folder.clone()));
            waiting.push((folder.join("mod.rs"), folder));
        }
    }
    sources
        .keys()
        .filter(|file| !reached.contains(*file))
        .map(|file| {
            format!(
                "{} is never compiled: no mod line leads to it",
                file.display()
            )
        })
        .collect()
}

fn parent(file: &Path) -> PathBuf {
    file.parent().unwrap_or(file).to_owned()
}

/// Returns the module that a line declares in a file of its own, if it does.
fn declared(line: &str) -> Option<&str> {
    let line = line.trim().strip_suffix(';')?;
    let (visibility, name) = match line.strip_prefix("mod ") {
        Some(name) => ("", name),
        None => line.split_once(" mod ")?,
    };
    let visible = visibility.is_empty() || visibility.starts_with("pub");
    let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    (visible && is_name).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(files: &[(&str, &str)]) -> Sources {
        files
            .iter()
            .map(|(path, text)| (PathBuf::from(path), (*text).to_owned()))
            .collect()
    }

    #[test]
    fn follows_every_form_of_declaration() {
        let sources = sources(&[
            (
                "src/main.rs",
                "mod a;\npub mod b;\n#[cfg(test)]\n    pub(crate) mod c;\n",
            ),
            ("src/a.rs", "pub(in crate::a) mod inner;"),
            ("src/a/inner.rs", ""),
            ("src/b/mod.rs", "mod deep;"),
            ("src/b/deep/mod.rs", ""),
            ("src/c.rs", ""),
            ("tests/flow.rs", "mod fixture;"),
            ("tests/fixture/mod.rs", ""),
        ]);
        let roots = ["src/main.rs", "tests/flow.rs"].map(PathBuf::from);
        assert_eq!(violations(&roots, &sources), Vec::<String>::new());
    }

    #[test]
    fn names_files_that_only_seem_to_be_declared() {
        let sources = sources(&[
            (
                "src/lib.rs",
                "// mod a;\n/// mod b;\nmod c { }\nlet x = \"mod d\";\nmod e;\n",
            ),
            ("src/a.rs", ""),
            ("src/b.rs", ""),
            ("src/c.rs", ""),
            ("src/d.rs", ""),
            ("src/e/mod.rs", ""),
            ("src/e/f.rs", ""),
        ]);
        let violations = violations(&[PathBuf::from("src/lib.rs")], &sources);
        let named: Vec<_> = violations
            .iter()
            .filter_map(|text| text.split_whitespace().next())
            .collect();
        assert_eq!(
            named,
            ["src/a.rs", "src/b.rs", "src/c.rs", "src/d.rs", "src/e/f.rs"]
        );
    }
}
