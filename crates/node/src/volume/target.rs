//! What is at a volume's target.
//!
//! Owns finding the target and distinguishing a volume of this driver, or of the Go driver, from
//! anything else. Invariant: between looking and acting nobody can exchange what was looked at: it
//! is kept open, and the kernel is given its number, not its path.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use rustix::fs::fstatfs;
use rustix::io::Errno;

use super::folder::Folder;
use super::mountinfo::{self, Mount};
use super::mounts::{self, MountPoint};
use super::{Obstacle, VolumeError};
use crate::spec::{TargetPath, VolumeId};

/// The place where a pod's containers find a volume, within its opened parent folder.
#[derive(Debug)]
pub(super) struct Target<'a> {
    path: &'a TargetPath,
    parent: Folder,
    name: OsString,
}

/// What was found at a target.
#[derive(Debug)]
pub(super) enum Occupant {
    /// Nothing.
    Absent,
    /// A folder that nothing is mounted on.
    Folder(Folder),
    /// The topmost mount.
    Mount(Folder),
}

/// What a mount must be to count as a volume.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ours<'a> {
    pub(super) driver_name: &'a str,
    /// None if any volume of this driver will do.
    pub(super) volume: Option<&'a VolumeId>,
}

impl<'a> Target<'a> {
    /// Opens the target's parent; None if that is absent.
    ///
    /// Links are followed down to the kubelet's `pods` folder, which the administrator may have put
    /// elsewhere, but not below it.
    pub(super) fn locate(path: &'a TargetPath) -> Result<Option<Self>, VolumeError> {
        let blocked = || blocked(path, Obstacle::NotFolder);
        let full = path.as_path();
        let (Some(parent), Some(name)) = (full.parent(), full.file_name()) else {
            return Err(blocked());
        };
        let base = path.pod_folder().and_then(Path::parent).unwrap_or(parent);
        let below = parent.strip_prefix(base).unwrap_or(Path::new(""));
        let mut opened = Folder::follow(base);
        for part in below {
            opened = opened.and_then(|folder| folder.pin(part));
        }
        match opened {
            Ok(parent) => Ok(Some(Self {
                path,
                parent,
                name: name.to_owned(),
            })),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::NOTDIR | Errno::LOOP) => Err(blocked()),
            Err(cause) => Err(VolumeError::Refused {
                attempt: "open",
                path: parent.to_owned(),
                cause,
            }),
        }
    }

    /// Looks at what is there now.
    pub(super) fn look(&self) -> Result<Occupant, VolumeError> {
        let found = match self.parent.pin(&self.name) {
            Ok(found) => found,
            Err(Errno::NOENT) => return Ok(Occupant::Absent),
            Err(Errno::NOTDIR | Errno::LOOP) => {
                return Err(blocked(self.path, Obstacle::NotFolder));
            }
            Err(cause) => return Err(self.parent.refused("open", &self.name, cause)),
        };
        if mounts::mount_id(&found)? == mounts::mount_id(&self.parent)? {
            Ok(Occupant::Folder(found))
        } else {
            Ok(Occupant::Mount(found))
        }
    }

    /// Whether a mount found here is a volume: a tmpfs whose source names us, or that is where only
    /// a CSI driver of this name mounts, or that the Go driver made.
    ///
    /// # Errors
    /// The obstacle, if it is not.
    pub(super) fn check(&self, mount: &Folder, ours: Ours<'_>) -> Result<(), VolumeError> {
        let statfs = fstatfs(mount).map_err(|cause| mount.refused_here("examine", cause))?;
        let is_tmpfs = statfs.f_type == TMPFS_MAGIC;
        if is_tmpfs && self.path.pod_uid().is_some() {
            return Ok(());
        }
        let id = mounts::mount_id(mount)?;
        let listed = mountinfo::read()?
            .into_iter()
            .find(|listed| listed.id == id);
        match listed {
            Some(listed) if is_tmpfs && ours.made(&listed) => Ok(()),
            listed => Err(blocked(self.path, foreign(listed))),
        }
    }

    /// Makes the target's folder.
    pub(super) fn make(&self) -> Result<(), VolumeError> {
        self.parent.make(&self.name, TARGET_MODE)
    }

    /// Removes the target's folder, which must be empty; absent is fine.
    pub(super) fn remove(&self) -> Result<(), VolumeError> {
        match self.parent.remove_folder(&self.name) {
            Err(VolumeError::Refused {
                cause: Errno::NOTEMPTY | Errno::EXIST,
                ..
            }) => Err(blocked(self.path, Obstacle::NonEmptyFolder)),
            other => other,
        }
    }

    /// Unmounts the topmost mount. Close what was found there first.
    pub(super) fn unmount(&self) -> Result<(), VolumeError> {
        mounts::unmount(&MountPoint {
            magic: self.parent.magic_path().join(&self.name),
            shown: self.path.as_path().to_owned(),
        })
    }

    /// An error saying that the target is left alone.
    pub(super) fn blocked(&self, obstacle: Obstacle) -> VolumeError {
        blocked(self.path, obstacle)
    }
}

impl Ours<'_> {
    fn made(&self, mount: &Mount) -> bool {
        let source = mount.source.to_string_lossy();
        let id = source
            .strip_prefix(self.driver_name)
            .and_then(|rest| rest.strip_prefix(':'));
        match self.volume {
            Some(volume) => id == Some(volume.as_str()) || is_go_volume(&mount.root, volume),
            None => id.is_some(),
        }
    }
}

/// The source text of a volume's file system.
pub(super) fn source_text(driver_name: &str, volume: &VolumeId) -> String {
    format!("{driver_name}:{volume}")
}

/// The Go driver shows the folder `data` in a folder named after the volume (csi-lib's storage).
fn is_go_volume(root: &Path, volume: &VolumeId) -> bool {
    let root = root.to_string_lossy();
    let root = Path::new(root.strip_suffix("//deleted").unwrap_or(&root));
    root.file_name() == Some(OsStr::new("data"))
        && root.parent().and_then(Path::file_name) == Some(OsStr::new(volume.as_str()))
}

fn foreign(listed: Option<Mount>) -> Obstacle {
    let (file_system, source_text) = listed.map_or_else(
        || ("unknown".to_owned(), String::new()),
        |mount| {
            (
                mount.file_system,
                mount.source.to_string_lossy().into_owned(),
            )
        },
    );
    Obstacle::ForeignMount {
        file_system,
        source_text,
    }
}

fn blocked(path: &TargetPath, obstacle: Obstacle) -> VolumeError {
    VolumeError::TargetBlocked {
        path: path.as_path().to_owned(),
        obstacle,
    }
}

/// statfs(2).
const TMPFS_MAGIC: rustix::fs::FsWord = 0x0102_1994;
/// As csi-lib and most drivers create it; what is mounted there has its own mode.
const TARGET_MODE: u32 = 0o750;
