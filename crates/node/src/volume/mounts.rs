//! The mounts themselves: tmpfs, binds, and unmounting.
//!
//! Owns every mount system call. Invariant: what is mounted here is `nosuid,nodev,noexec` from the
//! first moment to the last, and is unmounted with its [`Mounted`] unless it was moved to a target.
//!
//! rustix has no `mount_setattr`, so read-only and read-write are set by a bind remount, which
//! replaces all flags: every remount names all of them. Naming more than a mount has is always
//! allowed, even if a user namespace locks them.

use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::Errno;
use rustix::mount::{self, MountFlags, MountPropagationFlags, UnmountFlags};

use super::folder::Folder;
use super::{RootContext, VolumeError};

/// One of our mounts in a private place. Unmounted when dropped.
#[derive(Debug)]
pub(super) struct Mounted {
    place: MountPoint,
    armed: AtomicBool,
}

/// A folder to mount on: a name in a pinned folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MountPoint {
    /// The path that the kernel is given.
    pub(super) magic: PathBuf,
    /// The path that people are shown.
    pub(super) shown: PathBuf,
}

/// Whether pages of a tmpfs may be written to swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Swapping {
    /// The kernel keeps them in memory.
    Never,
    /// The kernel has no `noswap`: before Linux 6.4, and in a user namespace.
    Possible,
}

/// The properties of a tmpfs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tmpfs<'a> {
    /// Shown by `findmnt`; also how a mount is known to be ours.
    pub(super) source: &'a str,
    /// Bytes that all files together may take.
    pub(super) size: u64,
    /// Files, folders and links together.
    pub(super) inodes: u32,
    /// Permission bits of its root folder.
    pub(super) mode: u32,
    pub(super) swapping: Swapping,
    /// SELinux context of its root folder; what is made in it inherits the type.
    pub(super) root_context: Option<&'a RootContext>,
}

impl MountPoint {
    /// A name in a folder. Valid while the folder is open.
    pub(super) fn in_folder(folder: &Folder, name: &str) -> Self {
        Self {
            magic: folder.magic_path().join(name),
            shown: folder.path().join(name),
        }
    }

    /// A folder itself. Valid while the folder is open; an unmount needs a name instead, since the
    /// open folder keeps its mount busy.
    pub(super) fn itself(folder: &Folder) -> Self {
        Self {
            magic: folder.magic_path(),
            shown: folder.path().to_owned(),
        }
    }

    fn refused(&self, attempt: &'static str, cause: Errno) -> VolumeError {
        VolumeError::Refused {
            attempt,
            path: self.shown.clone(),
            cause,
        }
    }
}

impl Mounted {
    /// Mounts a new, empty tmpfs, writable.
    pub(super) fn tmpfs(place: MountPoint, tmpfs: &Tmpfs<'_>) -> Result<Self, VolumeError> {
        let refused = |cause| place.refused("mount a tmpfs on", cause);
        let data = CString::new(tmpfs.data()).map_err(|_nul| refused(Errno::INVAL))?;
        mount::mount(tmpfs.source, &place.magic, "tmpfs", SAFE, data.as_c_str())
            .map_err(refused)?;
        Self::armed(place).private(MountPropagationFlags::PRIVATE)
    }

    /// Shows a folder a second time, writable even if the mount it is taken from is not.
    pub(super) fn writable_bind(source: &Folder, place: MountPoint) -> Result<Self, VolumeError> {
        mount::mount_bind(source.magic_path(), &place.magic).map_err(|cause| match cause {
            // The folder is open, so it can only have been removed.
            Errno::NOENT => VolumeError::FolderGone {
                path: source.path().to_owned(),
            },
            other => source.refused_here("bind", other),
        })?;
        let bind = Self::armed(place).private(MountPropagationFlags::PRIVATE)?;
        bind.remount(MountFlags::empty())?;
        Ok(bind)
    }

    /// It is not in its place any more, so there is nothing to unmount.
    pub(super) fn give_up(&self) {
        self.armed.store(false, Ordering::Relaxed);
    }

    fn armed(place: MountPoint) -> Self {
        let armed = AtomicBool::new(true);
        Self { place, armed }
    }

    /// Makes this mount read-only. Files must not be open for writing.
    pub(super) fn make_read_only(&self) -> Result<(), VolumeError> {
        self.remount(MountFlags::RDONLY)
    }

    /// Prevents copies of this mount: it cannot be bound.
    pub(super) fn unbindable(self) -> Result<Self, VolumeError> {
        self.private(MountPropagationFlags::UNBINDABLE)
    }

    /// Moves this mount, as it is, onto a folder; if that folder's mount is shared, its peers get
    /// copies with the same flags, which a later remount would not reach.
    pub(super) fn move_to(self, target: &MountPoint) -> Result<(), VolumeError> {
        mount::mount_move(&self.place.magic, &target.magic)
            .map_err(|cause| target.refused("move the volume to", cause))?;
        self.give_up();
        Ok(())
    }

    fn remount(&self, flags: MountFlags) -> Result<(), VolumeError> {
        mount::mount_remount(&self.place.magic, MountFlags::BIND | SAFE | flags, c"")
            .map_err(|cause| self.place.refused("remount", cause))
    }

    fn private(self, propagation: MountPropagationFlags) -> Result<Self, VolumeError> {
        mount::mount_change(&self.place.magic, propagation)
            .map_err(|cause| self.place.refused("set private propagation on", cause))?;
        Ok(self)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if *self.armed.get_mut()
            && let Err(error) = unmount(&self.place)
        {
            tracing::warn!(%error, "could not remove a private mount; it stays until the next start");
        }
    }
}

impl Tmpfs<'_> {
    fn data(&self) -> String {
        let Self {
            size, inodes, mode, ..
        } = self;
        let mut data = format!("size={size},nr_inodes={inodes},mode={mode:04o}");
        if self.swapping == Swapping::Never {
            data.push_str(",noswap");
        }
        if let Some(context) = self.root_context {
            // Quoted, since categories are separated by the comma that separates options.
            let context = context.as_str();
            data.push_str(&format!(",rootcontext=\"{context}\""));
        }
        data
    }
}

/// Unmounts the topmost mount at a place. If other processes keep it busy, it leaves the folder at
/// once and ends when they do.
pub(super) fn unmount(place: &MountPoint) -> Result<(), VolumeError> {
    let refused = |cause| place.refused("unmount", cause);
    match mount::unmount(&place.magic, UnmountFlags::NOFOLLOW) {
        Err(Errno::BUSY) => {
            mount::unmount(&place.magic, UnmountFlags::NOFOLLOW | UnmountFlags::DETACH)
                .map_err(refused)
        }
        other => other.map_err(refused),
    }
}

/// Unmounts the topmost mount at a place and everything mounted below it, at once.
pub(super) fn detach(place: &MountPoint) -> Result<(), VolumeError> {
    mount::unmount(&place.magic, UnmountFlags::NOFOLLOW | UnmountFlags::DETACH)
        .map_err(|cause| place.refused("detach", cause))
}

/// The number that `/proc/self/mountinfo` gives to the mount through which a folder is seen.
pub(super) fn mount_id(folder: &Folder) -> Result<u64, VolumeError> {
    // statx(2) reports it only since Linux 5.8.
    let path = Path::new("/proc/self/fdinfo").join(fd_number(folder));
    let refused = |cause| folder.refused_here("find the mount of", cause);
    let text =
        std::fs::read_to_string(path).map_err(|error| refused(super::folder::errno(&error)))?;
    text.lines()
        .find_map(|line| line.strip_prefix("mnt_id:")?.trim().parse().ok())
        .ok_or_else(|| refused(Errno::NOTSUP))
}

fn fd_number(folder: &Folder) -> String {
    use std::os::fd::{AsFd, AsRawFd};
    folder.as_fd().as_raw_fd().to_string()
}

const SAFE: MountFlags = MountFlags::NOSUID
    .union(MountFlags::NODEV)
    .union(MountFlags::NOEXEC);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_of_a_tmpfs_are_those_of_tmpfs_5() {
        let plain = Tmpfs {
            source: "s",
            size: 4096,
            inodes: 16,
            mode: 0o550,
            swapping: Swapping::Possible,
            root_context: None,
        };
        assert_eq!(plain.data(), "size=4096,nr_inodes=16,mode=0550");
        let context = RootContext::parse("system_u:object_r:container_file_t:s0:c1,c2").unwrap();
        let full = Tmpfs {
            swapping: Swapping::Never,
            root_context: Some(&context),
            ..plain
        };
        assert_eq!(
            full.data(),
            "size=4096,nr_inodes=16,mode=0550,noswap,\
             rootcontext=\"system_u:object_r:container_file_t:s0:c1,c2\""
        );
    }
}
