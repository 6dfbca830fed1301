//! The cluster's programs, built from source into the user's cache.
//!
//! Invariant: a folder under a hash is complete, since it is renamed into its place. The hash is
//! that of the files that pin the versions, so a fresh clone with the same pins builds nothing.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::place;
use crate::hash::sha256;
use crate::{command, repository};

/// Folders with the cluster's programs.
#[derive(Clone, Debug)]
pub(crate) struct Tools {
    pub(crate) kubernetes: PathBuf,
    pub(crate) containerd: PathBuf,
    pub(crate) cni: PathBuf,
    pub(crate) certmanager: PathBuf,
    /// cert-manager's definitions of its kinds.
    pub(crate) definitions: PathBuf,
    pub(crate) helm: PathBuf,
    /// What looks at volumes from inside pods.
    pub(crate) peer: PathBuf,
}

/// Builds what is missing.
pub(crate) fn tools() -> Result<Tools> {
    let kubernetes = [
        "k8s.io/kubernetes/cmd/kube-apiserver",
        "k8s.io/kubernetes/cmd/kube-controller-manager",
        "k8s.io/kubernetes/cmd/kube-scheduler",
        "k8s.io/kubernetes/cmd/kubelet",
        "k8s.io/kubernetes/cmd/kubectl",
    ];
    let containerd = [
        "github.com/containerd/containerd/v2/cmd/containerd",
        "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
        "github.com/containerd/containerd/v2/cmd/ctr",
    ];
    let certmanager = module("certmanager", &[], &["."])?;
    Ok(Tools {
        kubernetes: module("kubernetes", &[], &kubernetes)?,
        containerd: module(
            "containerd",
            &["-tags=no_btrfs no_devmapper no_zfs"],
            &containerd,
        )?,
        cni: module("cni", &[], &["tool"])?,
        definitions: certmanager.join("definitions"),
        certmanager,
        peer: module("peer", &[], &["."])?,
        helm: installed("helm", HELM)?,
    })
}

/// Helm.
pub(crate) fn helm() -> Result<PathBuf> {
    Ok(installed("helm", HELM)?.join("helm"))
}

const HELM: &str = "helm.sh/helm/v3/cmd/helm@v3.22.0";

/// The CSI conformance tests.
pub(crate) fn csi_sanity() -> Result<PathBuf> {
    let package = "github.com/kubernetes-csi/csi-test/v5/cmd/csi-sanity@v5.6.0";
    Ok(installed("csi-sanity", package)?.join("csi-sanity"))
}

/// Programs of a Go module in the repository's `cluster` folder.
fn module(name: &str, flags: &[&str], packages: &[&str]) -> Result<PathBuf> {
    let folder = place::configuration(name);
    let mut pins = String::new();
    for file in repository::files(&folder)? {
        pins.push_str(&place::read(&file)?);
    }
    cached(
        name,
        &(pins + &packages.join(" ") + &flags.join(" ")),
        |made| {
            go(Command::new("go")
                .current_dir(&folder)
                .args(["build", "-trimpath", "-ldflags=-s -w", "-o"])
                .arg(format!("{}/", made.display()))
                .args(flags)
                .args(packages))?;
            if name == "certmanager" {
                keep_definitions(&folder, &made.join("definitions"))?;
            }
            Ok(())
        },
    )
}

/// A program that is its own module.
fn installed(name: &str, package: &str) -> Result<PathBuf> {
    cached(name, package, |made| {
        go(Command::new("go")
            .args(["install", "-trimpath", "-ldflags=-s -w", package])
            .env("GOBIN", made))
    })
}

/// The folder for these pins; made by `make` where it is missing.
fn cached(name: &str, pins: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
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

fn cache() -> Result<PathBuf> {
    let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".cache"));
    let base = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(home);
    let base = base.context("neither XDG_CACHE_HOME nor HOME says where the cache is")?;
    Ok(base.join("csi-driver-spiffe/cluster"))
}

fn go(command: &mut Command) -> Result<()> {
    let status = command
        .env("CGO_ENABLED", "0")
        .status()
        .context("starting go")?;
    if !status.success() {
        bail!("go: {status}");
    }
    Ok(())
}

/// Copies the definitions out of Go's cache, which may be cleaned.
fn keep_definitions(module: &Path, to: &Path) -> Result<()> {
    let printed = command::text(Command::new("go").current_dir(module).args([
        "list",
        "-m",
        "-f",
        "{{.Dir}}",
        "github.com/cert-manager/cert-manager",
    ]))?;
    let source = PathBuf::from(printed.trim()).join("deploy/crds");
    fs::create_dir(to)?;
    for file in repository::files(&source)? {
        let name = file.file_name().unwrap_or_default();
        place::write(&to.join(name), &place::read(&file)?)?;
    }
    Ok(())
}
