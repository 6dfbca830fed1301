//! What can go wrong with a volume's mounts, files and records.

use std::path::PathBuf;

use rustix::io::Errno;

use super::RootContext;

/// Why an operation on a volume failed.
///
/// The texts are shown to the kubelet's users, so they name paths but never the files' contents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VolumeError {
    /// The kernel refused an operation on a path.
    #[error("cannot {attempt} {}: {cause}", path.display())]
    Refused {
        /// What was attempted, as a verb: `read`, `mount a tmpfs on`.
        attempt: &'static str,
        /// The object.
        path: PathBuf,
        /// The kernel's answer.
        cause: Errno,
    },
    /// Somebody removed the directory that `--data-root` names, or that is mounted there.
    #[error(
        "the data root {} was removed while the driver uses it; only a driver that is started again \
         can have another",
        path.display()
    )]
    DataRootGone {
        /// The data root.
        path: PathBuf,
    },
    /// Somebody else could change the data folder.
    #[error("the data directory {} is refused: {fault}", path.display())]
    DataFolder {
        /// The folder, or the part of its path that is wrong.
        path: PathBuf,
        /// What is wrong with it.
        fault: FolderFault,
    },
    /// Another process of this driver uses the data folder.
    #[error("the data directory {} is in use by another process of this driver; stop it first", path.display())]
    DataFolderInUse {
        /// The folder.
        path: PathBuf,
    },
    /// SELinux enforces a policy that does not know the volumes' context.
    #[error(
        "SELinux is enforcing on this node, and its policy does not know the context {:?} of \
         --selinux-context, without which containers could not read the volumes: give one that the \
         policy knows (system_u:object_r:ephemeral_t:s0 on Talos), or install container-selinux on \
         the node",
        context.as_str()
    )]
    ContextRefused {
        /// The context.
        context: RootContext,
    },
    /// Something that is not our volume stands where the volume should be.
    #[error("the target {} is left alone: {obstacle}", path.display())]
    TargetBlocked {
        /// The target.
        path: PathBuf,
        /// What is there.
        obstacle: Obstacle,
    },
    /// Nothing of the kind we mount is mounted at the target, or its set is not complete.
    #[error("no complete volume is mounted at {}", path.display())]
    NotPublished {
        /// The target.
        path: PathBuf,
    },
    /// The files cannot be given to the pod's group.
    #[error("cannot give the files at {} to group {group}: {cause}; in a user namespace only mapped groups can own files", path.display())]
    Group {
        /// The target.
        path: PathBuf,
        /// The group.
        group: u32,
        /// The kernel's answer.
        cause: Errno,
    },
    /// The volume's file system is full; it shows the old set.
    #[error("no space for the new files in the volume at {}: it keeps its current set of files", path.display())]
    NoSpace {
        /// The target.
        path: PathBuf,
    },
    /// The folder that the pod sees was deleted under it, by whatever created it: nothing can be
    /// written to it any more.
    #[error(
        "the directory that the pod sees at {} was deleted by another driver: the pod must be \
         recreated",
        path.display()
    )]
    FolderGone {
        /// The target.
        path: PathBuf,
    },
    /// A file is larger than a volume can hold twice.
    #[error("the file {name} is {length} bytes long; at most {limit} are allowed")]
    FileTooLarge {
        /// The file's name in the volume.
        name: String,
        /// Its length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A record is larger than what is read back.
    #[error("the record of volume {volume} is {length} bytes long; at most {limit} are allowed")]
    RecordTooLarge {
        /// The volume id.
        volume: String,
        /// The record's length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
}

impl VolumeError {
    /// Whether the file system refuses every change.
    pub(super) fn is_read_only(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                cause: Errno::ROFS,
                ..
            }
        )
    }
}

/// What is wrong with a data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FolderFault {
    /// The path is relative or has `.` or `..` parts.
    #[error("its path must be absolute and without `.` and `..`")]
    Path,
    /// A part of the path is a symbolic link or not a folder.
    #[error("this is a symbolic link or not a directory; give the path that it leads to")]
    NotFolder,
    /// Another user owns it.
    #[error("it belongs to user {owner}, not to the driver's user {us}")]
    Owner {
        /// The owner's user id.
        owner: u32,
        /// Our effective user id.
        us: u32,
    },
    /// Others may change what is in it.
    #[error("its mode {mode:04o} makes it writable by the group or others; remove that permission")]
    Writable {
        /// The permission bits.
        mode: u32,
    },
}

/// What stands at a target instead of our volume.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// A folder with something in it.
    #[error("it is a directory that is not empty")]
    NonEmptyFolder,
    /// A symbolic link, a file, a device.
    #[error("it, or a part of its path, is a symbolic link or not a directory")]
    NotFolder,
    /// A mount of a kind that this driver does not make.
    #[error(
        "a {file_system} file system from {source_text:?} is mounted there, which this driver \
        did not mount"
    )]
    ForeignMount {
        /// The type of the file system.
        file_system: String,
        /// Its source.
        source_text: String,
    },
}
