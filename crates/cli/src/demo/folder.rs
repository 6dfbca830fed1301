//! Owns the folder that contains everything of the demo, and what is mounted below it.
//!
//! Must not know what the files mean. Invariant: private to this user, with a path short enough for
//! the sockets in it, and removed afterwards with every mount below it.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, unmount};
use tempfile::TempDir;

/// The folder; removed when dropped.
#[derive(Debug)]
pub(super) struct DemoFolder {
    folder: Option<TempDir>,
    path: PathBuf,
}

impl DemoFolder {
    /// Makes it below the system's folder for temporary files, or `/tmp` if that path is too long.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn make() -> anyhow::Result<Self> {
        let usual = std::env::temp_dir();
        // The driver follows no link on the way to a volume.
        let parent = fs::canonicalize(&usual)
            .ok()
            .filter(|parent| parent.as_os_str().as_bytes().len() <= LONGEST_PARENT)
            .unwrap_or_else(|| PathBuf::from("/tmp"));
        let folder = tempfile::Builder::new()
            .prefix("csi-spiffe-demo-")
            .tempdir_in(&parent)
            .with_context(|| format!("creating a directory in {}", parent.display()))?;
        Ok(Self {
            path: folder.path().to_owned(),
            folder: Some(folder),
        })
    }

    /// Its path, absolute and without links.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A name in it.
    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The last lines of a file in it; empty if there is none.
    pub(super) fn tail(&self, name: &str, lines: usize) -> Vec<String> {
        let bytes = fs::read(self.at(name)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let all: Vec<&str> = text.lines().collect();
        let first = all.len().saturating_sub(lines);
        all.into_iter().skip(first).map(str::to_owned).collect()
    }

    /// Unmounts what is mounted below it and removes it.
    ///
    /// # Errors
    /// Something in it cannot be removed.
    pub(super) fn remove(mut self) -> anyhow::Result<()> {
        self.clear()
    }

    fn clear(&mut self) -> anyhow::Result<()> {
        let Some(folder) = self.folder.take() else {
            return Ok(());
        };
        for target in mounts_below(&self.path)?.iter().rev() {
            match unmount(target, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW) {
                Ok(()) | Err(Errno::INVAL | Errno::NOENT) => {}
                Err(error) => {
                    return Err(error).with_context(|| format!("unmounting {}", target.display()));
                }
            }
        }
        folder
            .close()
            .with_context(|| format!("removing {}", self.path.display()))
    }
}

impl Drop for DemoFolder {
    fn drop(&mut self) {
        // Only after a panic; what cannot be removed then is in a folder for temporary files.
        drop(self.clear());
    }
}

/// Where something is mounted below a folder, in the order in which it was mounted.
///
/// # Errors
/// The mount table cannot be read.
pub(super) fn mounts_below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let table = fs::read_to_string("/proc/self/mountinfo").context("reading the mount table")?;
    // proc_pid_mountinfo(5): the fifth field is the mount point. Our own paths need no escaping.
    let points = table.lines().filter_map(|line| line.split(' ').nth(4));
    Ok(points
        .map(PathBuf::from)
        .filter(|point| point.starts_with(folder))
        .collect())
}

/// Bytes of a parent's path that leave room for the longest socket: 107 in all (unix(7)).
const LONGEST_PARENT: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_of_a_log_is_its_last_lines() {
        let folder = DemoFolder::make().unwrap();
        fs::write(folder.at("log"), "one\ntwo\nthree\n").unwrap();

        assert_eq!(folder.tail("log", 2), ["two", "three"]);
        assert_eq!(folder.tail("log", 9).len(), 3);
        assert_eq!(folder.tail("none", 2), [""; 0]);
    }

    #[test]
    fn the_folder_is_gone_when_it_is_dropped() {
        let folder = DemoFolder::make().unwrap();
        let path = folder.path().to_owned();
        fs::create_dir_all(folder.at("a/b")).unwrap();

        assert!(path.is_absolute());
        drop(folder);

        assert!(!path.exists());
    }

    #[test]
    fn only_what_is_below_the_folder_is_a_mount_below_it() {
        assert!(
            mounts_below(Path::new("/"))
                .unwrap()
                .contains(&"/proc".into())
        );
        assert!(mounts_below(Path::new("/pro")).unwrap().is_empty());
    }
}
