//! Programs in Go, built from source into the user's cache.
//!
//! Invariant: a folder under a hash is complete, since it is renamed into its place. The hash is
//! that of the files that pin the versions, so a fresh clone with the same pins builds nothing.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::hash::sha256;

/// Helm.
///
/// # Errors
/// When it is missing and cannot be built.
pub fn helm() -> Result<PathBuf> {
    Ok(helm_folder()?.join("helm"))
}

/// For which cluster Helm renders where it asks none. One that is built from source takes its
/// library's version, which is years old.
pub const KUBE_VERSION: &str = "--kube-version=1.37.0";

/// The folder that Helm is in, for a PATH.
///
/// # Errors
/// As [`helm`].
pub fn helm_folder() -> Result<PathBuf> {
    installed("helm", "helm.sh/helm/v3/cmd/helm@v3.22.0")
}

/// The CSI conformance tests.
///
/// # Errors
/// As [`helm`].
pub fn csi_sanity() -> Result<PathBuf> {
    let package = "github.com/kubernetes-csi/csi-test/v5/cmd/csi-sanity@v5.6.0";
    Ok(installed("csi-sanity", package)?.join("csi-sanity"))
}

/// The folder for these pins; made by `make` where it is missing.
///
/// # Errors
/// When no cache folder exists to make it in, or `make` fails.
pub fn cached(name: &str, pins: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let hash: String = sha256(pins.as_bytes()).chars().take(16).collect();
    let cache = cache()?;
    let folder = cache.join(format!("{name}-{hash}"));
    if folder.is_dir() {
        return Ok(folder);
    }
    println!("building {name} into {}", folder.display());
    fs::create_dir_all(&cache).with_context(|| format!("making {}", cache.display()))?;
    let unfinished = tempfile::Builder::new().prefix(name).tempdir_in(&cache);
    let unfinished = unfinished.context("making a folder in the cache")?;
    make(unfinished.path()).with_context(|| format!("building {name}"))?;
    let made = unfinished.keep();
    let everyone = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&made, everyone).context("opening the folder to everybody")?;
    fs::rename(&made, &folder).with_context(|| format!("naming {}", folder.display()))?;
    Ok(folder)
}

/// Runs a command of Go that builds programs without C, which run anywhere.
///
/// # Errors
/// When it cannot be started or fails; Go has said why.
pub fn build(command: &mut Command) -> Result<()> {
    let status = command
        .env("CGO_ENABLED", "0")
        .status()
        .context("starting go")?;
    if !status.success() {
        bail!("go: {status}");
    }
    Ok(())
}

/// A program that is its own module.
fn installed(name: &str, package: &str) -> Result<PathBuf> {
    cached(name, package, |made| {
        build(
            Command::new("go")
                .args(["install", "-trimpath", "-ldflags=-s -w", package])
                .env("GOBIN", made),
        )
    })
}

fn cache() -> Result<PathBuf> {
    let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".cache"));
    let base = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(home);
    let base = base.context("neither XDG_CACHE_HOME nor HOME says where the cache is")?;
    Ok(base.join("csi-driver-spiffe/cluster"))
}
