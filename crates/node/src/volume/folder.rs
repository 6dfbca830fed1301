//! An opened folder, and the operations on the names in it.
//!
//! Owns every file operation of this module. Invariant: a name is one part of a path, taken
//! relative to an opened folder, and a symbolic link is never followed: whatever somebody put into
//! a volume or a data folder, no operation leaves it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{self, AtFlags, Dir, FileType, Gid, Mode, OFlags, Stat};
use rustix::io::Errno;
use zeroize::Zeroizing;

use super::VolumeError;

/// An open folder, with the path it was opened by, for messages.
#[derive(Debug)]
pub(super) struct Folder {
    fd: OwnedFd,
    path: PathBuf,
}

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: OsString,
    pub(super) kind: FileType,
}

impl Folder {
    /// Opens a path that the administrator or the kubelet gave, following its links.
    pub(super) fn follow(path: &Path) -> Result<Self, Errno> {
        let fd = fs::open(path, PIN.difference(OFlags::NOFOLLOW), Mode::empty())?;
        Ok(Self {
            fd,
            path: path.to_owned(),
        })
    }

    /// Opens an absolute path part by part, none of which may be a link, and creates missing parts
    /// for us alone. The error names the part that could not be opened; `NOTDIR` or `LOOP` means
    /// that it is a link or not a folder.
    pub(super) fn walk(path: &Path) -> Result<Self, (PathBuf, Errno)> {
        let mut folder = Self::follow(Path::new("/")).map_err(|cause| ("/".into(), cause))?;
        let mut components = path.components();
        if components.next() != Some(Component::RootDir) {
            return Err((path.to_owned(), Errno::INVAL));
        }
        for component in components {
            let Component::Normal(part) = component else {
                return Err((path.to_owned(), Errno::INVAL));
            };
            let at = folder.path.join(part);
            let next = match folder.pin(part) {
                Err(Errno::NOENT) => match fs::mkdirat(&folder.fd, part, Mode::RWXU) {
                    Ok(()) | Err(Errno::EXIST) => folder.pin(part),
                    Err(cause) => Err(cause),
                },
                other => other,
            };
            folder = next.map_err(|cause| (at, cause))?;
        }
        Ok(folder)
    }

    /// Opens a folder in this one, only to refer to it.
    pub(super) fn pin(&self, name: impl AsRef<OsStr>) -> Result<Self, Errno> {
        self.open(name.as_ref(), PIN)
    }

    /// Opens a folder in this one, to list and change it. `.` is this folder itself.
    pub(super) fn enter(&self, name: impl AsRef<OsStr>) -> Result<Self, VolumeError> {
        let name = name.as_ref();
        self.open(name, ENTER)
            .map_err(|cause| self.refused("open", name, cause))
    }

    /// Makes a folder in this one.
    pub(super) fn make(&self, name: impl AsRef<OsStr>, mode: u32) -> Result<(), VolumeError> {
        let name = name.as_ref();
        fs::mkdirat(&self.fd, name, Mode::from_raw_mode(mode))
            .map_err(|cause| self.refused("create the directory", name, cause))
    }

    /// The path that this folder was opened by.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A path that leads the kernel to exactly this folder, whatever was renamed or mounted since.
    /// Valid in this process only, while the folder is open.
    pub(super) fn magic_path(&self) -> PathBuf {
        Path::new("/proc/self/fd").join(self.fd.as_raw_fd().to_string())
    }

    /// The kernel's metadata of this folder.
    pub(super) fn stat(&self) -> Result<Stat, VolumeError> {
        fs::fstat(&self.fd).map_err(|cause| self.refused_here("examine", cause))
    }

    /// Whether this folder still has a name somewhere.
    pub(super) fn is_linked(&self) -> Result<bool, VolumeError> {
        Ok(self.stat()?.st_nlink > 0)
    }

    /// The kernel's metadata of a name; None if it is absent.
    pub(super) fn stat_of(&self, name: impl AsRef<OsStr>) -> Result<Option<Stat>, VolumeError> {
        let name = name.as_ref();
        match fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(cause) => Err(self.refused("examine", name, cause)),
        }
    }

    /// Every name in this folder, sorted.
    pub(super) fn entries(&self) -> Result<Vec<Entry>, VolumeError> {
        let listed = self.open(OsStr::new("."), ENTER).and_then(list);
        let mut entries = Vec::new();
        for name in listed.map_err(|cause| self.refused_here("list", cause))? {
            // If it is gone since, there is nothing to list.
            if let Some(stat) = self.stat_of(&name)? {
                entries.push(Entry {
                    name,
                    kind: FileType::from_raw_mode(stat.st_mode),
                });
            }
        }
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    /// Whether this folder is empty.
    pub(super) fn is_empty(&self) -> Result<bool, VolumeError> {
        Ok(self.entries()?.is_empty())
    }

    /// Creates a file that must not exist yet, readable by its owner alone, and fills it.
    pub(super) fn create(
        &self,
        name: impl AsRef<OsStr>,
        bytes: &[u8],
    ) -> Result<File, VolumeError> {
        let name = name.as_ref();
        let refused = |cause| self.refused("write", name, cause);
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | SAFE;
        let opened = fs::openat(&self.fd, name, flags, Mode::RUSR | Mode::WUSR);
        let mut file = File::from(opened.map_err(refused)?);
        file.write_all(bytes)
            .map_err(|error| refused(errno(&error)))?;
        Ok(file)
    }

    /// The contents of a regular file of at most `limit` bytes. None if the name is absent, is not
    /// a regular file, or the file is larger. The buffer is wiped, and never leaves a copy behind
    /// by growing.
    pub(super) fn contents(
        &self,
        name: impl AsRef<OsStr>,
        limit: usize,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, VolumeError> {
        let name = name.as_ref();
        let refused = |cause| self.refused("read", name, cause);
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | SAFE;
        let file = match fs::openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => File::from(fd),
            Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Ok(None),
            Err(cause) => return Err(refused(cause)),
        };
        let stat = fs::fstat(&file).map_err(refused)?;
        let length = usize::try_from(stat.st_size).unwrap_or(usize::MAX);
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || length > limit {
            return Ok(None);
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(length.saturating_add(1)));
        let bound = u64::try_from(length).unwrap_or(u64::MAX);
        file.take(bound)
            .read_to_end(&mut bytes)
            .map_err(|error| refused(errno(&error)))?;
        Ok(Some(bytes))
    }

    /// Where a symbolic link leads; None if the name is absent or not a link.
    pub(super) fn link_target(
        &self,
        name: impl AsRef<OsStr>,
    ) -> Result<Option<OsString>, VolumeError> {
        let name = name.as_ref();
        match fs::readlinkat(&self.fd, name, Vec::new()) {
            Ok(target) => Ok(Some(OsString::from_vec(target.into_bytes()))),
            Err(Errno::NOENT | Errno::INVAL) => Ok(None),
            Err(cause) => Err(self.refused("read the link", name, cause)),
        }
    }

    /// Creates a symbolic link that must not exist yet.
    pub(super) fn link(
        &self,
        name: impl AsRef<OsStr>,
        target: impl AsRef<OsStr>,
    ) -> Result<(), VolumeError> {
        let name = name.as_ref();
        fs::symlinkat(target.as_ref(), &self.fd, name)
            .map_err(|cause| self.refused("create the link", name, cause))
    }

    /// Renames a name within this folder, replacing what had the new name.
    pub(super) fn rename(
        &self,
        from: impl AsRef<OsStr>,
        to: impl AsRef<OsStr>,
    ) -> Result<(), VolumeError> {
        let to = to.as_ref();
        fs::renameat(&self.fd, from.as_ref(), &self.fd, to)
            .map_err(|cause| self.refused("rename to", to, cause))
    }

    /// Unlinks a name that is not a folder; absent is fine.
    pub(super) fn unlink(&self, name: impl AsRef<OsStr>) -> Result<(), VolumeError> {
        let name = name.as_ref();
        match fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(cause) => Err(self.refused("unlink", name, cause)),
        }
    }

    /// Removes an empty folder; absent is fine.
    pub(super) fn remove_folder(&self, name: impl AsRef<OsStr>) -> Result<(), VolumeError> {
        let name = name.as_ref();
        match fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(cause) => Err(self.refused("remove the directory", name, cause)),
        }
    }

    /// Removes whatever has a name, with everything below it; absent is fine.
    pub(super) fn discard(&self, name: impl AsRef<OsStr>) -> Result<(), VolumeError> {
        self.discard_to(name.as_ref(), DEPTH_LIMIT)
    }

    /// Removes everything in this folder.
    pub(super) fn clear(&self) -> Result<(), VolumeError> {
        self.entries()?
            .iter()
            .try_for_each(|entry| self.discard(&entry.name))
    }

    /// Sets the permission bits of this folder, if it has others. It must have been entered, not
    /// only pinned.
    pub(super) fn set_mode(&self, mode: u32) -> Result<(), VolumeError> {
        // A disk that became read-only refuses even what would change nothing.
        if self.stat()?.st_mode & 0o7777 == mode {
            return Ok(());
        }
        fs::fchmod(&self.fd, Mode::from_raw_mode(mode))
            .map_err(|cause| self.refused_here("change the mode of", cause))
    }

    /// Waits until the names in this folder are on the disk.
    pub(super) fn sync(&self) -> Result<(), VolumeError> {
        fs::fsync(&self.fd).map_err(|cause| self.refused_here("sync to disk", cause))
    }

    /// An error about a name in this folder.
    pub(super) fn refused(
        &self,
        attempt: &'static str,
        name: impl AsRef<OsStr>,
        cause: Errno,
    ) -> VolumeError {
        VolumeError::Refused {
            attempt,
            path: self.path.join(name.as_ref()),
            cause,
        }
    }

    /// An error about this folder.
    pub(super) fn refused_here(&self, attempt: &'static str, cause: Errno) -> VolumeError {
        VolumeError::Refused {
            attempt,
            path: self.path.clone(),
            cause,
        }
    }

    fn open(&self, name: &OsStr, flags: OFlags) -> Result<Self, Errno> {
        let fd = fs::openat(&self.fd, name, flags, Mode::empty())?;
        let path = if name == "." {
            self.path.clone()
        } else {
            self.path.join(name)
        };
        Ok(Self { fd, path })
    }

    fn discard_to(&self, name: &OsStr, depth: usize) -> Result<(), VolumeError> {
        let folder = match fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            // Linux returns ISDIR, POSIX PERM.
            Err(Errno::ISDIR | Errno::PERM) => self.enter(name)?,
            Err(cause) => return Err(self.refused("unlink", name, cause)),
        };
        let deeper = depth
            .checked_sub(1)
            .ok_or_else(|| self.refused("remove the directory", name, Errno::LOOP))?;
        for entry in folder.entries()? {
            folder.discard_to(&entry.name, deeper)?;
        }
        self.remove_folder(name)
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Gives an opened file or folder to a group and sets its permission bits, in that order, so that
/// nobody but the old group's members ever gains rights.
pub(super) fn seal(fd: impl AsFd, mode: u32, group: Option<u32>) -> Result<(), Errno> {
    if let Some(group) = group {
        fs::fchown(&fd, None, Some(Gid::from_raw(group)))?;
    }
    fs::fchmod(&fd, Mode::from_raw_mode(mode))
}

/// The kernel's error within an error of the standard library.
pub(super) fn errno(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

fn list(folder: Folder) -> Result<Vec<OsString>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::new(folder.fd)? {
        let name = OsStr::from_bytes(entry?.file_name().to_bytes()).to_owned();
        if name != "." && name != ".." {
            names.push(name);
        }
    }
    Ok(names)
}

const SAFE: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC);
const PIN: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(SAFE);
const ENTER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(SAFE);
/// Levels of folders that a removal goes down: ours has one, a tampered one may have more.
const DEPTH_LIMIT: usize = 16;
