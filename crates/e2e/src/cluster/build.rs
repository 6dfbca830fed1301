//! The cluster's programs, built from source into the user's cache: which, and from what.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::place;
use crate::programs::{build, cached, helm_folder};
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
    /// An OCI registry.
    pub(crate) registry: PathBuf,
    /// The program that checks volumes from inside pods.
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
        kubernetes: module("kubernetes", &[&kubernetes_version()?], &kubernetes)?,
        containerd: module(
            "containerd",
            &["-tags=no_btrfs no_devmapper no_zfs"],
            &containerd,
        )?,
        cni: module("cni", &[], &["tool"])?,
        definitions: certmanager.join("definitions"),
        certmanager,
        peer: module("peer", &[], &["."])?,
        registry: module("registry", &[], &["."])?,
        helm: helm_folder()?,
    })
}

/// Makes Kubernetes report its version. Built from source it says v0.0.0, for which Helm installs
/// no chart that names the versions it needs.
fn kubernetes_version() -> Result<String> {
    let pins = place::read(&place::configuration("kubernetes").join("go.mod"))?;
    let mut lines = pins.lines().map(str::trim);
    let version = lines.find_map(|line| line.strip_prefix("k8s.io/kubernetes "));
    let version = version.and_then(|rest| rest.split(' ').next());
    let version = version.context("go.mod names no version of Kubernetes")?;
    Ok(format!(
        "-ldflags=-s -w -X k8s.io/component-base/version.gitVersion={version}"
    ))
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
            build(
                Command::new("go")
                    .current_dir(&folder)
                    .args(["build", "-trimpath", "-ldflags=-s -w", "-o"])
                    .arg(format!("{}/", made.display()))
                    .args(flags)
                    .args(packages),
            )?;
            if name == "certmanager" {
                keep_definitions(&folder, &made.join("definitions"))?;
            }
            Ok(())
        },
    )
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
