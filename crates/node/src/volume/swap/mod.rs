//! The files in one volume, swapped all at once.
//!
//! Owns the layout that Kubernetes gives its own volumes: the files of a set are in a folder named
//! after the time, the link `..data` leads to that folder, and what a pod opens are links through
//! `..data`. Renaming a new link to `..data` swaps the whole set. Knows nothing of mounts: it works
//! in any opened folder. Invariant: if the process is killed after any step, a reader finds the old
//! set or the new one, whole, and the next swap, or [`tidy`], removes what was left behind.

mod current;
mod perform;
mod plan;
#[cfg(test)]
mod tests;

pub(super) use current::read;
pub(super) use perform::{remains, replace};

use super::{FileNames, FileSet};

/// How files are laid out in a volume, and who may read them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout<'a> {
    pub(super) names: &'a FileNames,
    pub(super) file_mode: u32,
    /// The mode of a set's folder and of the volume's own.
    pub(super) folder_mode: u32,
    /// None leaves the group as it is.
    pub(super) group: Option<u32>,
}

impl Layout<'_> {
    fn files<'a>(&'a self, set: &'a FileSet) -> Vec<File<'a>> {
        let bundle = set.bundle.as_deref();
        [
            (self.names.certificate(), Some(set.certificate.as_slice())),
            (self.names.key(), Some(set.key.as_slice())),
            (self.names.bundle(), bundle),
        ]
        .into_iter()
        .filter_map(|(name, bytes)| {
            Some(File {
                name,
                bytes: bytes?,
            })
        })
        .collect()
    }
}

/// One file of a set. Has no `Debug`: it may be the key.
#[derive(Clone, Copy)]
struct File<'a> {
    name: &'a str,
    bytes: &'a [u8],
}

/// Bytes of one file. The API server accepts objects of at most 1.5 MiB, ConfigMaps of 1 MiB.
pub(super) const FILE_LIMIT: usize = 1024 * 1024;

/// The link to the folder of the visible set.
const DATA: &str = "..data";
/// Becomes [`DATA`] when it is renamed.
const DATA_NEXT: &str = "..data_tmp";
/// The prefix of all names that are not the pod's.
const PREFIX: &str = "..";
