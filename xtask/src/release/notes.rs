//! What users read of a version: its section of the changelog.

use anyhow::{Result, bail, ensure};

/// The section of a version, without its heading. `or_unreleased` takes the section of what is not
/// released where the version has none.
///
/// # Errors
/// When there is no such section, or nothing is in it.
pub(super) fn section(changelog: &str, version: &str, or_unreleased: bool) -> Result<String> {
    let found = below(changelog, version);
    let found = found.or_else(|| below(changelog, "Unreleased").filter(|_| or_unreleased));
    let Some(section) = found else {
        bail!(
            "CHANGELOG.md has no section of {version}: make the section Unreleased into `## [{version}] - DATE`"
        );
    };
    ensure!(
        !section.is_empty(),
        "CHANGELOG.md says nothing of {version}"
    );
    Ok(section)
}

fn below(changelog: &str, name: &str) -> Option<String> {
    let heading = format!("## [{name}]");
    let mut lines = changelog.lines();
    lines.find(|line| line.starts_with(&heading))?;
    let section: Vec<_> = lines
        .take_while(|line| !line.starts_with("## ") && !is_definition(line))
        .collect();
    Some(section.join("\n").trim().to_owned())
}

/// Whether a line says where a link leads, as at the end of the file.
fn is_definition(line: &str) -> bool {
    line.starts_with('[') && line.contains("]: ")
}

/// Makes links into the repository work where nothing of it is near.
pub(super) fn absolute(text: &str, tree: &str) -> String {
    let mut pieces = text.split("](");
    let mut whole = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        whole.push_str("](");
        let target = piece.split(')').next().unwrap_or_default();
        let is_local = !target.contains("://") && !target.starts_with(['#', '/']);
        if is_local {
            whole.push_str(tree);
            whole.push('/');
        }
        whole.push_str(if is_local {
            piece.trim_start_matches("../")
        } else {
            piece
        });
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGELOG: &str = "# Changelog\n\n## [Unreleased]\n\nSoon.\n\n## [1.10.0] - 2027-01-01\n\n### Added\n\n- More.\n\n## [1.1.0]\n\n## [1.0.0] - 2026-12-01\n\nThe first.\n\n[1.0.0]: https://example.org\n";

    #[test]
    fn a_section_ends_where_the_next_begins() {
        let found = |version| section(CHANGELOG, version, false).unwrap();
        assert_eq!(found("1.10.0"), "### Added\n\n- More.");
        assert_eq!(found("1.0.0"), "The first.");
    }

    #[test]
    fn a_version_without_a_section_of_its_own_is_refused() {
        let error = section(CHANGELOG, "2.0.0", false).unwrap_err();
        assert!(error.to_string().contains("## [2.0.0] - DATE"), "{error}");
        assert_eq!(section(CHANGELOG, "2.0.0", true).unwrap(), "Soon.");
        let error = section(CHANGELOG, "1.1.0", false).unwrap_err();
        assert_eq!(error.to_string(), "CHANGELOG.md says nothing of 1.1.0");
    }

    #[test]
    fn only_links_into_the_repository_are_changed() {
        let text = "[a](docs/a.md#b) [c](https://example.org/d) [e](#f) [g](../../../docs/h.md)";
        assert_eq!(
            absolute(text, "https://example.org/t"),
            "[a](https://example.org/t/docs/a.md#b) [c](https://example.org/d) [e](#f) [g](https://example.org/t/docs/h.md)"
        );
    }
}
