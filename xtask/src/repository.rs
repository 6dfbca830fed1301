//! Where the repository is, and cargo in it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context as _, Result, bail};

use crate::command;

/// Returns the root of the repository that this program was built in.
pub fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// Starts a command of cargo at the root, the same cargo that runs this program.
pub fn cargo(arguments: &[&str]) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// What `cargo tree` says with these arguments: a line in this format for each crate.
///
/// # Errors
/// When cargo cannot be started or fails; it has said why.
pub fn tree(format: &str, arguments: &[&str]) -> Result<String> {
    let words = ["tree", "--locked", "--prefix=none", "--format", format];
    command::text(cargo(&words).args(arguments))
}

/// The folder that cargo builds into.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The Helm chart.
pub fn chart() -> PathBuf {
    root().join("deploy/charts/csi-driver-spiffe")
}

/// The commit that is checked out, with `-modified` if files differ from it; None without git, as
/// in sources from an archive.
pub fn commit() -> Option<String> {
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--exclude=*", "--abbrev=40"])
        .arg("--dirty=-modified")
        .current_dir(root());
    let commit = command::text(&mut git).ok()?;
    Some(commit.trim().to_owned())
}

/// Builds the program for trying it, and gives its path.
///
/// # Errors
/// When it cannot be built; cargo has said why.
pub fn program() -> Result<PathBuf> {
    let status = cargo(&["build", "--package=csi-driver-spiffe"]).status();
    if !status.context("starting cargo")?.success() {
        bail!("the program was not built");
    }
    Ok(target().join("debug/csi-driver-spiffe"))
}

/// The files of a folder, sorted: the file system has an order of its own.
///
/// # Errors
/// When the folder cannot be read.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut files = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

/// All files below a folder, sorted, without what `is_wanted` refuses: a file, or a folder with all
/// that is in it.
///
/// # Errors
/// When a folder cannot be read.
pub fn files_below(folder: &Path, is_wanted: &dyn Fn(&Path) -> bool) -> Result<Vec<PathBuf>> {
    let mut below = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for path in files(&folder)? {
            if !is_wanted(&path) {
                continue;
            }
            if path.is_dir() {
                waiting.push(path);
            } else {
                below.push(path);
            }
        }
    }
    below.sort();
    Ok(below)
}
