//! Making a Unix socket appear at a path, and vanish.
//!
//! A socket is bound under a name that begins with a dot, which the kubelet's plugin watcher
//! ignores, and renamed onto its path once it listens: the path never leads to a socket that
//! refuses connections or that others than root could open, and the kubelet takes the rename for a
//! new plugin, which is what it is. Every change happens under a lock of the folder, so that of two
//! processes (a rolling update) the newer keeps the path and the older, when it ends, leaves it
//! alone.

use std::ffi::{OsStr, OsString};
use std::fs::{DirBuilder, symlink_metadata};
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

/// Why no socket could be created.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The path does not end in a name.
    #[error("{path:?} does not name a socket")]
    NoName {
        /// The path.
        path: PathBuf,
    },
    /// The path exists and is not a socket; it is left alone.
    #[error("{path:?} exists and is not a socket: remove it or choose another path")]
    Occupied {
        /// The path.
        path: PathBuf,
    },
    /// The system refused a step.
    #[error("{step} {path:?} failed: {reason}")]
    System {
        /// What was tried.
        step: &'static str,
        /// The path it was tried on.
        path: PathBuf,
        /// The system's error.
        reason: io::Error,
    },
}

impl SocketError {
    /// Whether the file system refuses every change.
    pub(crate) fn is_read_only(&self) -> bool {
        match self {
            Self::System { reason, .. } => reason.kind() == io::ErrorKind::ReadOnlyFilesystem,
            Self::NoName { .. } | Self::Occupied { .. } => false,
        }
    }
}

/// What to do when the folder of a socket is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MissingFolder {
    /// Create it, for root alone.
    Create,
    /// It belongs to another program: a missing one means that the path is wrong.
    Refuse,
}

/// A listening socket and its path. Dropping it removes the path if it is still this socket's.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    folder: OwnedFd,
    path: PathBuf,
    name: OsString,
    inode: Inode,
    missing: MissingFolder,
}

/// Distinguishes one socket from another at the same path.
type Inode = (u64, u64);

/// What is at a socket's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// This socket.
    Ours,
    /// Nothing.
    Gone,
    /// Something else; a newer process's socket, most likely.
    Replaced,
}

impl Socket {
    /// Makes a listening socket at `path`, with mode 0600, in place of any other socket there.
    pub(crate) fn bind(path: &Path, missing: MissingFolder) -> Result<Self, SocketError> {
        let name = path.file_name().ok_or_else(|| SocketError::NoName {
            path: path.to_owned(),
        })?;
        let folder = open_folder(path, missing)?;
        let failed = |step| {
            move |errno: Errno| SocketError::System {
                step,
                path: path.to_owned(),
                reason: errno.into(),
            }
        };
        let lock = Lock::of(&folder).map_err(failed("locking the directory of"))?;
        match existing(&folder, name).map_err(failed("looking at"))? {
            Existing::Nothing => {}
            Existing::Socket => announce_replacement(&folder, name, path),
            Existing::Other => {
                return Err(SocketError::Occupied {
                    path: path.to_owned(),
                });
            }
        }
        let listener = listen(&folder).map_err(failed("creating the socket"))?;
        let shown =
            rustix::fs::statat(&folder, ASIDE, AtFlags::SYMLINK_NOFOLLOW).and_then(|stat| {
                rustix::fs::renameat(&folder, ASIDE, &folder, name)?;
                Ok((stat.st_dev, stat.st_ino))
            });
        drop(lock);
        let inode = shown.map_err(failed("installing the socket"))?;
        Ok(Self {
            listener: listener.into(),
            folder,
            path: path.to_owned(),
            name: name.to_owned(),
            inode,
            missing,
        })
    }

    /// Another one at the same path, in whose folder it may be the first.
    pub(super) fn bind_again(&self) -> Result<Self, SocketError> {
        Self::bind(&self.path, self.missing)
    }

    pub(super) fn listener(&self) -> &UnixListener {
        &self.listener
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What a caller of the path would reach. A file system error counts as ours: it is not a
    /// reason to make another socket.
    pub(super) fn presence(&self) -> Presence {
        match symlink_metadata(&self.path) {
            Ok(found) if (found.dev(), found.ino()) == self.inode => Presence::Ours,
            Ok(_) => Presence::Replaced,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Presence::Gone,
            Err(_) => Presence::Ours,
        }
    }

    fn remove(&self) -> Result<(), Errno> {
        let _lock = Lock::of(&self.folder)?;
        let stat = rustix::fs::statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW)?;
        if (stat.st_dev, stat.st_ino) == self.inode {
            rustix::fs::unlinkat(&self.folder, &self.name, AtFlags::empty())?;
        }
        Ok(())
    }
}

/// The path is removed before the listener is closed, and with it the inode, whose number another
/// socket could then get.
impl Drop for Socket {
    fn drop(&mut self) {
        match self.remove() {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => {
                tracing::warn!(
                    "removing the socket {} failed: {error}",
                    self.path.display()
                );
            }
        }
    }
}

/// Connects to the socket at a path of any length, without waiting: the stream does not block.
///
/// # Errors
/// Nothing is there, nobody listens, we may not, or too many others wait to be accepted.
pub fn connect(path: &Path) -> io::Result<UnixStream> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::open(folder_of(path), flags, Mode::empty())?;
    let socket = new_socket()?;
    rustix::net::connect(&socket, &address(&folder, name)?)?;
    Ok(socket.into())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        Some(_) | None => Path::new("."),
    }
}

fn open_folder(path: &Path, missing: MissingFolder) -> Result<OwnedFd, SocketError> {
    let folder = folder_of(path);
    let failed = |step, reason| SocketError::System {
        step,
        path: folder.to_owned(),
        reason,
    };
    if missing == MissingFolder::Create {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|reason| failed("creating the directory", reason))?;
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(folder, flags, Mode::empty())
        .map_err(|errno| failed("opening the directory", errno.into()))
}

enum Existing {
    Nothing,
    Socket,
    Other,
}

fn existing(folder: &OwnedFd, name: &OsStr) -> Result<Existing, Errno> {
    match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Socket => {
            Ok(Existing::Socket)
        }
        Ok(_) => Ok(Existing::Other),
        Err(Errno::NOENT) => Ok(Existing::Nothing),
        Err(errno) => Err(errno),
    }
}

/// Every killed process leaves a stale socket; a live one is worth a log line.
fn announce_replacement(folder: &OwnedFd, name: &OsStr, path: &Path) {
    let connected =
        new_socket().and_then(|probe| rustix::net::connect(&probe, &address(folder, name)?));
    if matches!(connected, Ok(()) | Err(Errno::AGAIN)) {
        tracing::warn!(
            "another process is listening on {}; its socket is replaced, as in a rolling update",
            path.display()
        );
    }
}

fn listen(folder: &OwnedFd) -> Result<OwnedFd, Errno> {
    match rustix::fs::unlinkat(folder, ASIDE, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(errno) => return Err(errno),
    }
    let socket = new_socket()?;
    // Linux gives the file the mode of the socket, so that it never has another, whatever the
    // umask; other kernels that claim to be Linux may not, hence the second call.
    rustix::fs::fchmod(&socket, MODE)?;
    rustix::net::bind(&socket, &address(folder, OsStr::new(ASIDE))?)?;
    rustix::fs::chmodat(folder, ASIDE, MODE, AtFlags::empty())?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(socket)
}

fn new_socket() -> Result<OwnedFd, Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
}

/// An address holds 107 bytes, too few for many paths: this one goes through the open folder.
fn address(folder: &OwnedFd, name: &OsStr) -> Result<SocketAddrUnix, Errno> {
    let through = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()));
    SocketAddrUnix::new(through.join(name))
}

/// The lock of a folder, held while a socket in it is changed. Held for a few system calls.
struct Lock<'a>(&'a OwnedFd);

impl<'a> Lock<'a> {
    fn of(folder: &'a OwnedFd) -> Result<Self, Errno> {
        loop {
            match rustix::fs::flock(folder, FlockOperation::LockExclusive) {
                Ok(()) => return Ok(Self(folder)),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
    }
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        if let Err(error) = rustix::fs::flock(self.0, FlockOperation::Unlock) {
            tracing::debug!("unlocking a directory of sockets failed: {error}");
        }
    }
}

/// Read and written only by its owner, root: anyone who can open the kubelet's gets pods' keys
/// mounted, and the one for `/status` names the node's pods.
const MODE: Mode = Mode::from_raw_mode(0o600);

/// The name of a socket that does not listen yet. The folder's lock allows one at a time.
const ASIDE: &str = ".csi-driver-spiffe.new";

/// Connections waiting to be accepted; the kubelet makes one per call, and `status` one per look.
const BACKLOG: i32 = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};

    fn bind(path: &Path) -> Result<Socket, SocketError> {
        Socket::bind(path, MissingFolder::Refuse)
    }

    type Occupy = fn(&Path);

    fn names(folder: &Path) -> Vec<OsString> {
        fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect()
    }

    #[test]
    fn a_socket_is_for_its_owner_alone_and_goes_when_it_is_dropped() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("csi.sock");
        let socket = bind(&path).unwrap();
        let found = symlink_metadata(&path).unwrap();
        assert!(found.file_type().is_socket());
        assert_eq!(found.permissions().mode() & 0o7777, 0o600);
        UnixStream::connect(&path).unwrap();
        assert_eq!(socket.presence(), Presence::Ours);
        assert_eq!(names(scratch.path()), ["csi.sock"]);
        drop(socket);
        assert!(names(scratch.path()).is_empty());
    }

    #[test]
    fn a_stale_socket_and_remains_of_a_killed_process_are_replaced() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("csi.sock");
        drop(UnixListener::bind(&path).unwrap());
        drop(UnixListener::bind(scratch.path().join(ASIDE)).unwrap());
        let _socket = bind(&path).unwrap();
        UnixStream::connect(&path).unwrap();
        assert_eq!(names(scratch.path()), ["csi.sock"]);
    }

    #[test]
    fn what_is_no_socket_is_left_alone() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("csi.sock");
        let live = UnixListener::bind(scratch.path().join("live")).unwrap();
        let occupy: [(&str, Occupy); 3] = [
            ("file", |path| fs::write(path, "precious").unwrap()),
            ("folder", |path| fs::create_dir(path).unwrap()),
            ("link to a socket", |path| symlink("live", path).unwrap()),
        ];
        for (what, occupy) in occupy {
            occupy(&path);
            let before = symlink_metadata(&path).unwrap().ino();
            let error = bind(&path).expect_err(what);
            assert!(
                matches!(error, SocketError::Occupied { .. }),
                "{what}: {error}"
            );
            assert_eq!(symlink_metadata(&path).unwrap().ino(), before, "{what}");
            if what == "folder" {
                fs::remove_dir(&path)
            } else {
                fs::remove_file(&path)
            }
            .unwrap();
        }
        drop(live);
    }

    #[test]
    fn the_newer_of_two_processes_keeps_the_path() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("csi.sock");
        let older = bind(&path).unwrap();
        let newer = bind(&path).unwrap();
        assert_eq!(
            (older.presence(), newer.presence()),
            (Presence::Replaced, Presence::Ours)
        );
        drop(older);
        assert_eq!(newer.presence(), Presence::Ours);
        UnixStream::connect(&path).unwrap();
        newer.listener().accept().unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(newer.presence(), Presence::Gone);
    }

    #[test]
    fn processes_that_come_and_go_at_once_leave_each_other_alone() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("csi.sock");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        drop(bind(&path).unwrap());
                    }
                });
            }
        });
        assert!(names(scratch.path()).is_empty());
    }

    #[test]
    fn a_path_longer_than_an_address_is_fine() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("x".repeat(120));
        let path = folder.join("csi.sock");
        let socket = Socket::bind(&path, MissingFolder::Create).unwrap();
        assert_eq!(
            fs::metadata(&folder).unwrap().permissions().mode() & 0o7777,
            0o700
        );
        let second = bind(&path).unwrap();
        connect(&path).unwrap();
        second.listener().accept().unwrap();
        drop((socket, second));
        assert!(names(&folder).is_empty());
        let gone = connect(&path).unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_missing_folder_is_made_only_where_it_is_ours() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("absent/csi.sock");
        let error = bind(&path).unwrap_err().to_string();
        assert!(error.contains("absent"), "{error}");
        assert!(!path.parent().unwrap().exists());
        fs::write(scratch.path().join("absent"), "").unwrap();
        assert!(Socket::bind(&path, MissingFolder::Create).is_err());
        for nameless in ["/", "..", ""] {
            let error = bind(Path::new(nameless)).unwrap_err();
            assert!(
                matches!(error, SocketError::NoName { .. }),
                "{nameless:?}: {error}"
            );
        }
    }
}
