//! Dependencies that no source file names.

use super::facts::{Package, Sources};

/// Names the dependencies of a package whose identifier occurs in none of its files. A word in a
/// comment counts as use: this finds what was forgotten, not what was hidden.
pub(super) fn violations(package: &Package, sources: &Sources) -> Vec<String> {
    package
        .dependencies
        .iter()
        .chain(&package.dev_dependencies)
        .filter(|dependency| {
            !sources
                .values()
                .any(|text| names(text, &dependency.identifier))
        })
        .filter(|dependency| !UNNAMED.contains(&(&package.name, &dependency.package)))
        .map(|dependency| {
            format!(
                "{} depends on {} and never names it",
                package.name, dependency.package
            )
        })
        .collect()
}

fn names(text: &str, identifier: &str) -> bool {
    let part_of_a_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(identifier).any(|(start, _)| {
        let before = text.get(..start).and_then(|text| text.chars().next_back());
        let after = text
            .get(start + identifier.len()..)
            .and_then(|text| text.chars().next());
        !before.is_some_and(part_of_a_word) && !after.is_some_and(part_of_a_word)
    })
}

/// Dependencies that are there for their features or for code that a macro writes: the package,
/// the dependency.
const UNNAMED: &[(&str, &str)] = &[];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    use super::super::facts::Dependency;
    use super::*;

    #[test]
    fn names_what_no_file_uses() {
        let dependency = |package: &str, identifier: &str| Dependency {
            package: package.to_owned(),
            identifier: identifier.to_owned(),
        };
        let package = Package {
            name: "kitchen".to_owned(),
            dependencies: BTreeSet::from([
                dependency("flour-mill", "flour_mill"),
                dependency("salt", "salt"),
                dependency("sugar", "sugar"),
            ]),
            dev_dependencies: BTreeSet::from([dependency("spoon", "spoon")]),
            ..Package::default()
        };
        let text = "use flour_mill::grind;\nuse sugar_cane::cut;\nfn unsalted() { salt::add(); }";
        let sources = Sources::from([(PathBuf::from("src/lib.rs"), text.to_owned())]);
        assert_eq!(
            violations(&package, &sources),
            [
                "kitchen depends on sugar and never names it",
                "kitchen depends on spoon and never names it"
            ]
        );
    }
}
