//! The chart as it is released: it has the image by its digest, and names the home.
//!
//! Invariant: the same files give the same archive: no times, no names of users.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::image::Layer;
use crate::programs::{self, KUBE_VERSION};
use crate::{command, repository};

/// The chart's name, as it is in Chart.yaml.
pub(super) const NAME: &str = "cert-manager-csi-driver-spiffe";

/// Where the chart's image and its documents are.
pub(super) struct Places<'a> {
    pub(super) image: &'a str,
    /// As in `sha256:...`.
    pub(super) digest: &'a str,
    /// Where people open the repository, if that is decided.
    pub(super) home: Option<&'a str>,
    pub(super) version: &'a str,
}

/// Writes the archive and checks that it renders this image for both roles.
///
/// # Errors
/// When files cannot be read or written, or it renders another image.
pub(super) fn package(places: &Places<'_>, folder: &Path) -> Result<PathBuf> {
    let chart = repository::chart();
    let mut archive = Layer::default();
    for path in contents(&chart)? {
        let below = path.strip_prefix(&chart)?.display().to_string();
        let text = fs::read_to_string(&path);
        let mut text = text.with_context(|| format!("reading {}", path.display()))?;
        text = match below.as_str() {
            "values.yaml" => values(&text, places)?,
            "Chart.yaml" => about(text, places),
            _ => text,
        };
        archive = archive.file(&format!("{NAME}/{below}"), text.as_bytes(), 0o644)?;
    }
    let path = folder.join(format!("{NAME}-{}.tgz", places.version));
    fs::write(&path, archive.pack()?.compressed)
        .with_context(|| format!("writing {}", path.display()))?;
    renders(&path, places)?;
    Ok(path)
}

/// The tree of this version's files, as GitHub and its like show it.
pub(super) fn tree(places: &Places<'_>) -> Option<String> {
    let home = places.home?;
    Some(format!("{home}/blob/v{}", places.version))
}

/// The files of the chart, without those that only check it (.helmignore).
fn contents(folder: &Path) -> Result<Vec<PathBuf>> {
    let is_wanted = |path: &Path| !path.ends_with("ci") && !path.ends_with(".helmignore");
    repository::files_below(folder, &is_wanted)
}

/// values.yaml with where the image is as the defaults: registry, path and name apart, so that a
/// registry of one's own can take the place of this one, and the digest for both roles.
fn values(text: &str, places: &Places<'_>) -> Result<String> {
    let (registry, path) = places
        .image
        .split_once('/')
        .with_context(|| format!("{} names no registry", places.image))?;
    let (namespace, name) = path.rsplit_once('/').unwrap_or(("", path));
    let mut role = false;
    let mut changed = 0;
    let mut whole = String::new();
    for line in text.lines() {
        if !line.starts_with([' ', '#']) {
            role = matches!(line, "driverImage:" | "approverImage:");
        }
        let value = match line {
            "imageRegistry: \"\"" => Some(("imageRegistry", registry)),
            "imageNamespace: \"\"" => Some(("imageNamespace", namespace)),
            "  name: csi-driver-spiffe" if role => Some(("  name", name)),
            "  digest: \"\"" if role => Some(("  digest", places.digest)),
            _ => None,
        };
        if let Some((key, value)) = value {
            changed += 1;
            whole.push_str(&format!("{key}: \"{value}\"\n"));
        } else if let Some(rest) = line.strip_prefix(NO_DEFAULT) {
            whole.push_str(&format!("{RELEASED}{rest}\n"));
        } else {
            whole.push_str(line);
            whole.push('\n');
        }
    }
    ensure!(
        changed == 6,
        "values.yaml has {changed} places for registry, path, and the names and digests of the two roles, not 6"
    );
    Ok(whole)
}

/// What the comment says as long as no image is published.
const NO_DEFAULT: &str = "# Where the image is. There is no default: set";
/// The same in a released chart.
const RELEASED: &str = "# Where the image is. For a mirror set";

fn about(text: String, places: &Places<'_>) -> String {
    match places.home {
        Some(home) => format!("{text}home: {home}\nsources: [{home}]\n"),
        None => text,
    }
}

fn renders(path: &Path, places: &Places<'_>) -> Result<()> {
    let mut helm = Command::new(programs::helm()?);
    let rendered = command::text(
        helm.args(["template", "x", "--skip-tests", KUBE_VERSION])
            .arg(path),
    )?;
    let image = format!("{}@{}", places.image, places.digest);
    let found = rendered.matches(&image).count();
    ensure!(
        found >= 2,
        "{} renders {image} {found} times, not for both roles",
        path.display()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: Places<'_> = Places {
        image: "registry.example.com/a/b/csi-driver-spiffe",
        digest: "sha256:0123",
        home: Some("https://example.org/x"),
        version: "1.2.3",
    };

    #[test]
    fn the_image_of_both_roles_is_found_by_parts_that_can_be_replaced_and_by_digest() {
        let text = fs::read_to_string(repository::chart().join("values.yaml")).unwrap();
        let made = values(&text, &PLACES).unwrap();
        let pairs = text.lines().zip(made.lines());
        let changed: Vec<_> = pairs.filter(|(old, new)| old != new).collect();
        let role = [
            ("  name: csi-driver-spiffe", "  name: \"csi-driver-spiffe\""),
            ("  digest: \"\"", "  digest: \"sha256:0123\""),
        ];
        assert!(changed[0].1.starts_with(RELEASED), "{changed:?}");
        assert_eq!(
            changed[1..3],
            [
                (
                    "imageRegistry: \"\"",
                    "imageRegistry: \"registry.example.com\""
                ),
                ("imageNamespace: \"\"", "imageNamespace: \"a/b\""),
            ]
        );
        assert_eq!(changed[3..], [role, role].concat());
        assert_eq!(text.lines().count(), made.lines().count());
    }

    #[test]
    fn values_without_a_place_for_the_digest_are_refused() {
        let error = values("driverImage:\n  digest: \"\"\n", &PLACES).unwrap_err();
        assert!(error.to_string().contains("has 1 places"), "{error}");
    }

    #[test]
    fn what_is_packed_is_what_helm_would_pack() {
        let chart = repository::chart();
        let files = contents(&chart).unwrap();
        let names: Vec<_> = files
            .iter()
            .map(|path| path.strip_prefix(&chart).unwrap().display().to_string())
            .collect();
        for name in ["Chart.yaml", "values.schema.json", "templates/_names.tpl"] {
            assert!(names.iter().any(|one| one == name), "{name} is missing");
        }
        let ignored = fs::read_to_string(chart.join(".helmignore")).unwrap();
        assert!(
            ignored.lines().any(|line| line.starts_with("ci")),
            "{ignored}"
        );
        assert!(
            !names.iter().any(|name| name.starts_with("ci/")),
            "{names:?}"
        );
    }

    #[test]
    fn links_and_chart_name_the_home_once_it_is_decided() {
        assert_eq!(
            about("name: x\n".to_owned(), &PLACES),
            "name: x\nhome: https://example.org/x\nsources: [https://example.org/x]\n"
        );
        assert_eq!(tree(&PLACES).unwrap(), "https://example.org/x/blob/v1.2.3");
    }
}
