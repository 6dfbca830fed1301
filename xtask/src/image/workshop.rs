//! Where a build happens: paths that must leave no trace in what is built.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::repository;

/// The folders of one build.
#[derive(Clone, Debug)]
pub(super) struct Workshop {
    pub(super) sources: PathBuf,
    pub(super) target: PathBuf,
    pub(super) cargo_home: PathBuf,
}

impl Workshop {
    /// The repository, and cargo's folders as they are.
    pub(super) fn here() -> Result<Self> {
        let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".cargo"));
        let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home);
        Ok(Self {
            sources: repository::root().to_owned(),
            target: repository::root().join(repository::target()),
            cargo_home: cargo_home.context("neither CARGO_HOME nor HOME says where crates are")?,
        })
    }

    /// The same sources, crates and settings below another folder, with nothing built.
    pub(super) fn elsewhere(folder: &Path) -> Result<Self> {
        let here = Self::here()?;
        let other = Self {
            sources: folder.join("a/copy"),
            target: folder.join("built"),
            cargo_home: folder.join("crates"),
        };
        copy(&here.sources, &other.sources)?;
        fs::create_dir_all(&other.cargo_home).context("making a home for cargo")?;
        for path in repository::files(&here.cargo_home)? {
            let link = other.cargo_home.join(path.file_name().unwrap_or_default());
            symlink(&path, &link).with_context(|| format!("making {}", link.display()))?;
        }
        Ok(other)
    }

    /// What each path is called in what is built. The standard library's files are where the
    /// compiler names them if the machine does not have them.
    pub(super) fn names(&self, sysroot: &Path, compiler: &str) -> Result<Vec<(PathBuf, String)>> {
        let library = sysroot.join("lib/rustlib/src/rust");
        let mut names = vec![
            (self.sources.clone(), "/csi-driver-spiffe".to_owned()),
            (self.target.clone(), "/target".to_owned()),
            (library, format!("/rustc/{compiler}")),
        ];
        // One folder a registry, named after the way to it, which may be a mirror.
        let registries = self.cargo_home.join("registry/src");
        if registries.is_dir() {
            let folders = repository::files(&registries)?.into_iter();
            names.extend(folders.map(|folder| (folder, "/crates".to_owned())));
        }
        Ok(names)
    }
}

/// Copies a folder, without what was built and what git keeps.
fn copy(from: &Path, to: &Path) -> Result<()> {
    // In a worktree of git `.git` is a file.
    let is_wanted = |path: &Path| !path.ends_with("target") && !path.ends_with(".git");
    for path in repository::files_below(from, &is_wanted)? {
        let to = to.join(path.strip_prefix(from)?);
        let folder = to.parent().unwrap_or(&to);
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        fs::copy(&path, &to).with_context(|| format!("copying {}", path.display()))?;
    }
    Ok(())
}
