//! Links within the repository: the file is there, and so is the heading.

use std::path::{Component, Path, PathBuf};

use super::{Pages, markdown};

/// Names every link that leads nowhere. `exists` is asked about paths from the root.
pub(super) fn violations(pages: &Pages, exists: &dyn Fn(&Path) -> bool) -> Vec<String> {
    let mut violations = Vec::new();
    for (path, page) in pages {
        for (number, line) in markdown::prose(page) {
            for link in markdown::links(line) {
                if let Some(fault) = fault(pages, exists, path, link) {
                    let path = path.display();
                    violations.push(format!("{path}:{number}: the link to {link:?} {fault}"));
                }
            }
        }
    }
    violations
}

/// Names every place in the documents that a source file sends its users to, `docs/PAGE.md#HEADING`
/// in a string literal, and that does not exist.
pub(super) fn promised(
    pages: &Pages,
    exists: &dyn Fn(&Path) -> bool,
    source: &Path,
    literals: &[String],
) -> Vec<String> {
    let places = literals
        .iter()
        .filter(|literal| literal.starts_with("docs/") && literal.contains(".md"));
    let faults = places.filter_map(|place| {
        let fault = fault(pages, exists, Path::new(""), place)?;
        Some(format!("{}: {place:?} {fault}", source.display()))
    });
    faults.collect()
}

fn fault(
    pages: &Pages,
    exists: &dyn Fn(&Path) -> bool,
    page: &Path,
    link: &str,
) -> Option<&'static str> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = match link.split_once('#') {
        Some((file, anchor)) => (file, Some(anchor)),
        None => (link, None),
    };
    let target = if file.is_empty() {
        page.to_owned()
    } else {
        let Some(target) = resolve(page.parent().unwrap_or(page), file) else {
            return Some("leaves the repository");
        };
        target
    };
    if !exists(&target) {
        return Some("names no file");
    }
    let anchor = anchor?;
    match pages.get(&target) {
        Some(text) if markdown::anchors(text).iter().any(|one| one == anchor) => None,
        Some(_) => Some("names no heading of that page"),
        None => Some("has an anchor into a file that is not a page"),
    }
}

/// None where it leads out of the repository.
fn resolve(folder: &Path, link: &str) -> Option<PathBuf> {
    let mut path = PathBuf::new();
    for part in folder.join(link).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !path.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(link: &str) -> Vec<String> {
        let pages = [
            ("docs/a.md", format!("# A\n[x]({link})\n")),
            ("README.md", "# Read me\n## How it works\n".to_owned()),
        ];
        let pages = pages
            .map(|(path, text)| (PathBuf::from(path), text))
            .into_iter()
            .collect();
        violations(&pages, &|path| {
            ["docs/a.md", "README.md", "docs/decisions", "deny.toml"]
                .iter()
                .any(|one| path == Path::new(one))
        })
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        for link in [
            "https://example.org/none#x",
            "#a",
            "a.md",
            "./a.md#a",
            "../README.md#how-it-works",
            "decisions",
            "../deny.toml",
        ] {
            assert_eq!(found(link), Vec::<String>::new(), "{link}");
        }
    }

    #[test]
    fn places_that_a_source_promises_exist() {
        let pages = [(PathBuf::from("docs/a.md"), "# A\n".to_owned())].into();
        let found = |literal: &str| {
            let exists = |path: &Path| path == Path::new("docs/a.md");
            promised(&pages, &exists, Path::new("x.rs"), &[literal.to_owned()])
        };
        for good in ["docs/a.md#a", "docs/a.md", "see b.md", "docs/"] {
            assert_eq!(found(good), Vec::<String>::new(), "{good}");
        }
        assert_eq!(
            found("docs/a.md#b"),
            ["x.rs: \"docs/a.md#b\" names no heading of that page"]
        );
        assert_eq!(
            found("docs/b.md#a"),
            ["x.rs: \"docs/b.md#a\" names no file"]
        );
    }

    #[test]
    fn links_that_lead_nowhere_are_named_with_their_place() {
        for (link, fault) in [
            ("b.md", "names no file"),
            ("README.md", "names no file"),
            ("#b", "names no heading"),
            ("../README.md#how-it-fails", "names no heading"),
            ("../deny.toml#x", "not a page"),
            ("../../x.md", "leaves the repository"),
            ("/README.md", "leaves the repository"),
        ] {
            let found = found(link);
            assert_eq!(found.len(), 1, "{link}: {found:?}");
            assert!(found[0].starts_with("docs/a.md:2: "), "{found:?}");
            assert!(found[0].contains(fault), "{link}: {found:?}");
        }
    }
}
