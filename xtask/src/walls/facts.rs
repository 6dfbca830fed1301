//! What cargo and the file system say about the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use cargo_metadata::{DependencyKind, MetadataCommand};

use crate::repository;

/// A crate of the workspace, as its manifest states it.
#[derive(Clone, Debug, Default)]
pub(super) struct Package {
    pub(super) name: String,
    /// The folder of its manifest, from the root of the repository.
    pub(super) folder: PathBuf,
    /// The root source files of its library, programs, tests and examples.
    pub(super) roots: Vec<PathBuf>,
    /// What it is built from, build scripts included, by the names used in code.
    pub(super) dependencies: BTreeSet<Dependency>,
    /// What only its tests use.
    pub(super) dev_dependencies: BTreeSet<Dependency>,
}

/// One line of a manifest's dependencies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Dependency {
    /// The name of the package.
    pub(super) package: String,
    /// The name by which code refers to it.
    pub(super) identifier: String,
}

/// Source files by path.
pub(super) type Sources = BTreeMap<PathBuf, String>;

/// Reads the manifests of the workspace.
pub(super) fn packages() -> Result<Vec<Package>> {
    let metadata = MetadataCommand::new()
        .manifest_path(repository::root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("asking cargo for the crates of the workspace")?;
    Ok(metadata.packages.into_iter().map(package).collect())
}

fn package(package: cargo_metadata::Package) -> Package {
    let folder = package
        .manifest_path
        .parent()
        .map(|folder| from_root(folder.as_std_path()));
    let (dev, normal): (Vec<_>, Vec<_>) = package
        .dependencies
        .into_iter()
        .partition(|dependency| dependency.kind == DependencyKind::Development);
    Package {
        name: package.name.to_string(),
        folder: folder.unwrap_or_default(),
        roots: package
            .targets
            .iter()
            .map(|target| from_root(target.src_path.as_std_path()))
            .collect(),
        dependencies: normal.into_iter().map(dependency).collect(),
        dev_dependencies: dev.into_iter().map(dependency).collect(),
    }
}

/// Paths are kept from the root of the repository, as people name files.
fn from_root(path: &Path) -> PathBuf {
    path.strip_prefix(repository::root())
        .unwrap_or(path)
        .to_owned()
}

fn dependency(dependency: cargo_metadata::Dependency) -> Dependency {
    let identifier = dependency.rename.unwrap_or_else(|| dependency.name.clone());
    Dependency {
        package: dependency.name,
        identifier: identifier.replace('-', "_"),
    }
}

/// Returns the names of all crates in a build, and `CRATE/FEATURE` for each of their features, as
/// `cargo tree` resolves them.
pub(super) fn tree(arguments: &[&str]) -> Result<BTreeSet<String>> {
    let text = repository::tree("{p}|{f}", arguments)?;
    Ok(text.lines().flat_map(crate_and_features).collect())
}

/// Reads `NAME VERSION ..|FEATURE,FEATURE`.
fn crate_and_features(line: &str) -> Vec<String> {
    let (package, features) = line.split_once('|').unwrap_or((line, ""));
    let Some(name) = package.split_whitespace().next() else {
        return Vec::new();
    };
    let features = features
        .split([',', ' '])
        .filter(|feature| !feature.is_empty());
    std::iter::once(name.to_owned())
        .chain(features.map(|feature| format!("{name}/{feature}")))
        .collect()
}

/// Reads every Rust file below a folder.
pub(super) fn sources(folder: &Path) -> Result<Sources> {
    let mut sources = Sources::new();
    for path in repository::files_below(&repository::root().join(folder), &|_| true)? {
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path);
            let text = text.with_context(|| format!("reading {}", path.display()))?;
            sources.insert(from_root(&path), text);
        }
    }
    Ok(sources)
}
