//! The binary that ships, for each platform.
//!
//! Invariant: neither the machine's paths nor the time of the build are in it. With the same
//! sources, commit, Rust and C compiler it is the same, byte by byte.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::workshop::Workshop;
use crate::{command, repository};

/// What an image is built for.
pub(super) struct Platform {
    pub(super) architecture: &'static str,
    pub(super) target: &'static str,
    /// Where the C parts are not compiled by the machine's own compiler: its name and package in
    /// Debian, and the variables that say so to cargo.
    cross: Cross,
}

struct Cross {
    compiler: &'static str,
    package: &'static str,
    variables: [&'static str; 2],
}

pub(super) const PLATFORMS: [Platform; 2] = [
    Platform {
        architecture: "amd64",
        target: "x86_64-unknown-linux-musl",
        cross: Cross {
            compiler: "x86_64-linux-gnu-gcc",
            package: "gcc-x86-64-linux-gnu",
            variables: [
                "CC_x86_64_unknown_linux_musl",
                "CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_LINKER",
            ],
        },
    },
    Platform {
        architecture: "arm64",
        target: "aarch64-unknown-linux-musl",
        cross: Cross {
            compiler: "aarch64-linux-gnu-gcc",
            package: "gcc-aarch64-linux-gnu and libc6-dev-arm64-cross",
            variables: [
                "CC_aarch64_unknown_linux_musl",
                "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER",
            ],
        },
    },
];

/// Builds the binary that ships for this machine, as the image holds it.
///
/// # Errors
/// When there is no target for it, or it cannot be built.
pub fn binary() -> Result<PathBuf> {
    let own = PLATFORMS
        .iter()
        .find(|platform| platform.target.starts_with(env::consts::ARCH));
    let own = own.context("images are built for amd64 and arm64 only")?;
    build(own, &Workshop::here()?)
}

/// Builds the binary for a platform and gives its path.
pub(super) fn build(platform: &Platform, workshop: &Workshop) -> Result<PathBuf> {
    let arguments = [
        "build",
        "--locked",
        "--profile=image",
        "--package=csi-driver-spiffe",
        "--no-default-features",
        "--target",
        platform.target,
    ];
    let mut command = repository::cargo(&arguments);
    command
        .current_dir(&workshop.sources)
        .env("CARGO_TARGET_DIR", &workshop.target)
        .env("CARGO_HOME", &workshop.cargo_home)
        .env("CARGO_ENCODED_RUSTFLAGS", flags(workshop)?);
    if let Some(commit) = commit() {
        command.env(COMMIT, commit);
    }
    let mut package = "musl-tools";
    if !platform.target.starts_with(env::consts::ARCH) {
        package = platform.cross.package;
        // If they are set, that is deliberate.
        for variable in platform.cross.variables {
            if env::var_os(variable).is_none() {
                command.env(variable, platform.cross.compiler);
            }
        }
    }
    let status = command.status().context("starting cargo")?;
    if !status.success() {
        bail!(
            "the static binary for {} was not built: {status}; it needs a C compiler for it (on Debian: {package})",
            platform.architecture
        );
    }
    let folder = workshop.target.join(platform.target);
    Ok(folder.join("image/csi-driver-spiffe"))
}

/// What the program says of its sources. Whoever builds without git, from an archive, may say it in
/// the environment.
pub(super) fn commit() -> Option<String> {
    env::var(COMMIT).ok().or_else(repository::commit)
}

const COMMIT: &str = "CSI_DRIVER_SPIFFE_COMMIT";

/// The compiler's flags, as cargo takes them: what the environment has, and names for the paths of
/// the workshop, which are else in the messages of panics. aws-lc names its own by itself.
fn flags(workshop: &Workshop) -> Result<OsString> {
    let mut flags = env::var_os("CARGO_ENCODED_RUSTFLAGS").unwrap_or_else(|| {
        let spaced = env::var("RUSTFLAGS").unwrap_or_default();
        let words: Vec<_> = spaced.split_whitespace().collect();
        words.join(SEPARATOR).into()
    });
    for (path, name) in workshop.names(&sysroot()?, &compiler_commit()?)? {
        if !flags.is_empty() {
            flags.push(SEPARATOR);
        }
        flags.push("--remap-path-prefix=");
        flags.push(path);
        flags.push("=");
        flags.push(name);
    }
    Ok(flags)
}

/// Between flags that may have spaces in them.
const SEPARATOR: &str = "\u{1f}";

/// The commit of the compiler, by which its own messages name the standard library's files.
fn compiler_commit() -> Result<String> {
    let version = compiler()?;
    let mut lines = version.lines();
    let commit = lines.find_map(|line| line.strip_prefix("commit-hash: "));
    Ok(commit.unwrap_or("unknown").to_owned())
}

/// What the compiler says of itself, as `rustc -vV` prints it.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn compiler() -> Result<String> {
    let version = command::text(rustc().arg("-vV"))?;
    Ok(version.trim().to_owned())
}

fn sysroot() -> Result<PathBuf> {
    let path = command::text(rustc().args(["--print", "sysroot"]))?;
    Ok(PathBuf::from(path.trim()))
}

fn rustc() -> Command {
    Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
}

/// Those whose standard library is beside the compiler's own.
pub(super) fn installed_targets() -> Result<Vec<String>> {
    let root = sysroot()?.join("lib/rustlib");
    let entries = fs::read_dir(&root).with_context(|| format!("reading {}", root.display()))?;
    Ok(entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect())
}
