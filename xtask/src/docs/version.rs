//! The version in commands that name the product's image: that of the workspace.

use super::Pages;

/// Names every page that has the product's image with another version.
pub(super) fn others(version: &str, pages: &Pages) -> Vec<String> {
    let mut violations = Vec::new();
    for (path, text) in pages {
        for (number, line) in text.lines().enumerate() {
            for other in tags(line).filter(|tag| *tag != version) {
                violations.push(format!(
                    "{}:{}: the image has the version {other}, and the workspace {version}",
                    path.display(),
                    number + 1
                ));
            }
        }
    }
    violations
}

/// The versions of the product's image in a line; that of the Go driver has a longer name.
fn tags(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices(IMAGE).filter_map(|(start, found)| {
        let before = line.get(..start)?;
        if before.ends_with(GO_DRIVER) {
            return None;
        }
        let rest = line.get(start + found.len()..)?;
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !".-+".contains(c));
        let tag = rest.get(..end.unwrap_or(rest.len()))?;
        // The end of a sentence is no part of it.
        Some(tag.trim_end_matches('.'))
    })
}

const IMAGE: &str = "csi-driver-spiffe:v";
const GO_DRIVER: &str = "cert-manager-";

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn found(text: &str) -> Vec<String> {
        let pages = [(PathBuf::from("README.md"), text.to_owned())];
        others("1.2.3", &pages.into_iter().collect())
    }

    #[test]
    fn another_version_of_the_image_is_named_with_its_place() {
        let found = found("x\n`a/csi-driver-spiffe:v1.2.3` b/csi-driver-spiffe:v1.2.30.\n");
        assert_eq!(
            found,
            ["README.md:2: the image has the version 1.2.30, and the workspace 1.2.3"]
        );
    }

    #[test]
    fn the_version_that_there_is_and_the_go_drivers_pass() {
        for text in [
            "csi-driver-spiffe:v1.2.3, csi-driver-spiffe:v1.2.3.",
            "quay.io/jetstack/cert-manager-csi-driver-spiffe:v0.15.0",
        ] {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }
}
