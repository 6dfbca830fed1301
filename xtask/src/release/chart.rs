//! The chart as it is released: it has the image by its digest, and its links lead to the home.
//!
//! Invariant: the same files give the same archive: no times, no names of users.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::notes::absolute;
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
            "README.md" => match tree(places) {
                Some(tree) => absolute(&text, &tree),
                None => text,
            },
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
    let mut files = Vec::new();
    for path in repository::files(folder)? {
        if path.is_dir() && !path.ends_with("ci") {
            files.extend(contents(&path)?);
        } else if path.is_file() && !path.ends_with(".helmignore") {
            files.push(path);
        }
    }
    Ok(files)
}

/// values.yaml with the image's repository and digest as the defaults of both roles.
fn values(text: &str, places: &Places<'_>) -> Result<String> {
    let mut role = false;
    let mut changed = 0;
    let mut whole = String::new();
    for line in text.lines() {
        if !line.starts_with([' ', '#']) {
            role = matches!(line, "driverImage:" | "approverImage:");
        }
        let value = match line {
            "  repository: \"\"" if role => Some(("repository", places.image)),
            "  digest: \"\"" if role => Some(("digest", places.digest)),
            _ => None,
        };
        if let Some((name, value)) = value {
            changed += 1;
            whole.push_str(&format!("  {name}: \"{value}\"\n"));
        } else {
            whole.push_str(line);
            whole.push('\n');
        }
    }
    ensure!(
        changed == 4,
        "values.yaml has {changed} places for repository and digest of the two roles, not 4"
    );
    Ok(whole)
}

fn about(text: String, places: &Places<'_>) -> String {
    match places.home {
        Some(home) => format!("{text}home: {home}\nsources: [{home}]\n"),
        None => text,
    }
}

fn renders(path: &Path, places: &Places<'_>) -> Result<()> {
    let mut helm = Command::new(programs::helm()?);
    let rendered = command::text(helm.args(["template", "x", KUBE_VERSION]).arg(path))?;
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
        image: "registry.example.com/csi-driver-spiffe",
        digest: "sha256:0123",
        home: Some("https://example.org/x"),
        version: "1.2.3",
    };

    #[test]
    fn both_roles_get_the_image_by_digest_and_nothing_else_changes() {
        let text = fs::read_to_string(repository::chart().join("values.yaml")).unwrap();
        let made = values(&text, &PLACES).unwrap();
        let pairs = text.lines().zip(made.lines());
        let changed: Vec<_> = pairs.filter(|(old, new)| old != new).collect();
        let repository = (
            "  repository: \"\"",
            "  repository: \"registry.example.com/csi-driver-spiffe\"",
        );
        let digest = ("  digest: \"\"", "  digest: \"sha256:0123\"");
        assert_eq!(changed, [repository, digest, repository, digest]);
        assert_eq!(text.lines().count(), made.lines().count());
    }

    #[test]
    fn values_without_a_place_for_the_digest_are_refused() {
        let error = values("driverImage:\n  repository: \"\"\n", &PLACES).unwrap_err();
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
