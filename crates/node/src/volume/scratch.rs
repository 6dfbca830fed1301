//! A private place to mount on, while a volume is made or written to.
//!
//! Owns the folder `scratch` below the driver's folder: a tiny tmpfs whose inside no other mount
//! namespace sees. Invariant: outside a call to us nothing is mounted on it, and what a killed
//! process left there is removed before anything else is done.

use super::VolumeError;
use super::folder::Folder;
use super::mounts::{self, Mounted, Place, Swapping, Tmpfs};
use rustix::io::Errno;

/// The scratch file system. Unmounted when dropped.
#[derive(Debug)]
pub(super) struct Scratch {
    // Declared before the mount, so that it is closed before the unmount.
    folder: Folder,
    swapping: Swapping,
    _mount: Mounted,
}

/// One volume's part of the scratch file system. Removed when dropped: declare it before what is
/// mounted in it.
#[derive(Debug)]
pub(super) struct Workspace<'a> {
    scratch: &'a Scratch,
    name: String,
    folder: Option<Folder>,
}

impl Scratch {
    /// Removes what an earlier process left and mounts again. Finds out whether this kernel can
    /// keep a tmpfs out of swap.
    pub(super) fn open(base: &Folder, driver_name: &str) -> Result<Self, VolumeError> {
        let place = Place::in_folder(base, FOLDER);
        if base.stat_of(FOLDER)?.is_none() {
            base.make(FOLDER, 0o700)?;
        }
        detach_leftovers(base, &place)?;
        let entered = base.enter(FOLDER)?;
        entered.set_mode(0o700)?;
        drop(entered);
        let (mount, swapping) = mount_scratch(&place, driver_name)?;
        let folder = base
            .pin(FOLDER)
            .map_err(|cause| base.refused("open", FOLDER, cause))?;
        Ok(Self {
            folder,
            swapping,
            _mount: mount,
        })
    }

    /// Whether volumes may be swapped out.
    pub(super) fn swapping(&self) -> Swapping {
        self.swapping
    }

    /// Makes a folder for the work on one volume; each volume has one at a time.
    pub(super) fn workspace(&self, name: &str) -> Result<Workspace<'_>, VolumeError> {
        let mut workspace = Workspace {
            scratch: self,
            name: name.to_owned(),
            folder: None,
        };
        workspace.clear()?;
        self.folder.make(name, 0o700)?;
        let pinned = self.folder.pin(name);
        let folder = pinned.map_err(|cause| self.folder.refused("open", name, cause))?;
        folder.make(MOUNT_POINT, 0o700)?;
        workspace.folder = Some(folder);
        Ok(workspace)
    }

    /// Removes what failed work on a volume left.
    pub(super) fn clear(&self, name: &str) -> Result<(), VolumeError> {
        Workspace {
            scratch: self,
            name: name.to_owned(),
            folder: None,
        }
        .clear()
    }
}

impl Workspace<'_> {
    /// Where to mount.
    pub(super) fn place(&self) -> Place {
        self.folder.as_ref().map_or_else(
            || Place::in_folder(&self.scratch.folder, &self.name),
            |folder| Place::in_folder(folder, MOUNT_POINT),
        )
    }

    /// The root of what was mounted at [`Workspace::place`]. Close it before the unmount.
    pub(super) fn enter(&self) -> Result<Folder, VolumeError> {
        self.folder
            .as_ref()
            .unwrap_or(&self.scratch.folder)
            .enter(MOUNT_POINT)
    }

    fn clear(&mut self) -> Result<(), VolumeError> {
        self.folder = None;
        let folder = match self.scratch.folder.pin(&self.name) {
            Ok(folder) => folder,
            Err(Errno::NOENT) => return Ok(()),
            Err(cause) => return Err(self.scratch.folder.refused("open", &self.name, cause)),
        };
        detach_leftovers(&folder, &Place::in_folder(&folder, MOUNT_POINT))?;
        folder.remove_folder(MOUNT_POINT)?;
        self.scratch.folder.remove_folder(&self.name)
    }
}

impl Drop for Workspace<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.clear() {
            tracing::warn!(%error, "a folder of the scratch file system stays");
        }
    }
}

/// Unmounts everything that is mounted on a folder within `parent`. The contents are not removed:
/// they may be a second view of a volume that a pod sees.
fn detach_leftovers(parent: &Folder, place: &Place) -> Result<(), VolumeError> {
    let Some(name) = place.shown.file_name() else {
        return Ok(());
    };
    for _ in 0..LAYER_LIMIT {
        let folder = match parent.pin(name) {
            Ok(folder) => folder,
            Err(Errno::NOENT) => return Ok(()),
            Err(cause) => return Err(parent.refused("open", name, cause)),
        };
        if mounts::mount_id(&folder)? == mounts::mount_id(parent)? {
            return Ok(());
        }
        drop(folder);
        tracing::info!(path = %place.shown.display(), "taking away a mount that was left behind");
        mounts::detach(place)?;
    }
    Err(parent.refused("unmount everything on", name, Errno::LOOP))
}

fn mount_scratch(place: &Place, driver_name: &str) -> Result<(Mounted, Swapping), VolumeError> {
    let mut tmpfs = Tmpfs {
        source: driver_name,
        size: SIZE,
        inodes: INODES,
        mode: 0o700,
        swapping: Swapping::Never,
        root_context: None,
    };
    let mount = match Mounted::tmpfs(place.clone(), &tmpfs) {
        Err(VolumeError::Refused {
            cause: Errno::INVAL,
            ..
        }) => {
            tmpfs.swapping = Swapping::Possible;
            let mount = Mounted::tmpfs(place.clone(), &tmpfs)?;
            tracing::warn!(
                "this kernel cannot keep the volumes out of swap (it needs Linux 6.4 and no user \
                 namespace): keys may be written to swap where it is on"
            );
            mount
        }
        other => other?,
    };
    Ok((mount.unbindable()?, tmpfs.swapping))
}

const FOLDER: &str = "scratch";
const MOUNT_POINT: &str = "mount";
/// Bytes; it holds only folders.
const SIZE: u64 = 64 * 1024;
/// Two folders for every volume that is worked on at the same time.
const INODES: u32 = 8192;
/// Mounts on one folder before we give up: more than one is already unusual.
const LAYER_LIMIT: usize = 64;
