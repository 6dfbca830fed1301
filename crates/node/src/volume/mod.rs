//! The files of every volume, the mounts that show them, and the records that outlive us.
//!
//! Owns everything that this driver leaves on a node. Knows nothing of Kubernetes objects or of
//! what a certificate says. A reader in the pod sees the old set of files or the new one, never a
//! mix. Only this module may mount or chown.
//!
//! | room | owns |
//! | --- | --- |
//! | `linux` | [`LinuxVolumes`]: one volume from its first set to its removal |
//! | `target` | distinguishing a volume at a target from anything else there |
//! | `scratch` | the private place to mount on while a volume is made or written to |
//! | `mounts` | the mount system calls; `mountinfo` reads the kernel's table |
//! | `swap` | the files in a volume, swapped all at once |
//! | `records` | what outlives the process, on the disk |
//! | `opened` | the data folder while the process runs, made anew if it was taken away |
//! | `data` | opening the data folder; `folder` every file operation, never through a link |
//! | `names` | the names of the files; `access` who may read them |

mod access;
mod data;
mod error;
mod folder;
mod linux;
mod mountinfo;
mod mounts;
mod names;
mod opened;
mod records;
mod scratch;
mod swap;
mod target;

use zeroize::Zeroizing;

use crate::spec::{TargetPath, VolumeId, VolumeSpec};

pub use access::{FileMode, FileModeError, RootContext, RootContextError, Selinux};
pub use error::{FolderFault, Obstacle, VolumeError};
pub use linux::{LinuxVolumes, VolumeOptions};
pub use names::{FileNameError, FileNames, VolumeFile};
pub use records::Record;

/// What a pod sees, as one set: swapped in together or not at all.
pub struct FileSet {
    /// The certificate chain in PEM, leaf first.
    pub certificate: Vec<u8>,
    /// The private key in PKCS#8 PEM.
    pub key: Zeroizing<Vec<u8>>,
    /// The trust bundle in PEM, if the administrator named a source.
    pub bundle: Option<Vec<u8>>,
}

/// A record found at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRecord {
    /// What it says.
    pub record: Record,
    /// Whether its volume may still be needed.
    pub record_state: RecordState,
}

/// Whether a volume can still be wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordState {
    /// This boot, and its pod's folder is there.
    Current,
    /// Another boot: its mounts and its pod's containers are gone.
    OtherBoot,
    /// The pod's folder is gone.
    PodGone,
}

/// The volumes of this node. Every call blocks on the file system or the kernel: call it from a
/// thread that may block. One caller per volume at a time.
pub trait Volumes: Send + Sync + 'static {
    /// Every readable record of this driver. Broken ones are set aside and logged.
    ///
    /// # Errors
    /// If the data folder cannot be read.
    fn records(&self) -> Result<Vec<FoundRecord>, VolumeError>;

    /// Whether the pod of a target is gone.
    fn is_pod_gone(&self, target: &TargetPath) -> bool;

    /// Writes a record, atomically and durably.
    ///
    /// # Errors
    /// If the data folder cannot be written.
    fn save(&self, record: &Record) -> Result<(), VolumeError>;

    /// Removes a record; absent is fine.
    ///
    /// # Errors
    /// If the data folder cannot be written.
    fn forget(&self, volume: &VolumeId) -> Result<(), VolumeError>;

    /// Whether something of the kind we mount is mounted at the target.
    ///
    /// # Errors
    /// If the mount table cannot be read.
    fn is_mounted(&self, target: &TargetPath) -> Result<bool, VolumeError>;

    /// Shows `files` at the spec's target: makes the mount if there is none, else swaps the set
    /// within the file system that the pod already sees. Never mounts over a volume; of several
    /// mounts at the target the topmost is written to, the only one that can be reached.
    ///
    /// # Errors
    /// If mounting or writing fails; the target then shows what it showed before.
    fn publish(&self, spec: &VolumeSpec, files: &FileSet) -> Result<(), VolumeError>;

    /// Swaps the trust bundle of a published volume, leaving certificate and key untouched. Does
    /// nothing if it shows that bundle already.
    ///
    /// # Errors
    /// If the volume is not mounted or writing fails.
    fn replace_bundle(&self, spec: &VolumeSpec, bundle: &[u8]) -> Result<(), VolumeError>;

    /// Takes out of a published volume everything that is not of the set that it shows: what a swap
    /// left that was cut short, such as the key of the set before.
    ///
    /// # Errors
    /// If the volume cannot be read or written to.
    fn tidy(&self, spec: &VolumeSpec) -> Result<(), VolumeError>;

    /// The complete set at the target; None if nothing of the kind is mounted there or the
    /// certificate or key is missing.
    ///
    /// # Errors
    /// If the mount table or the files cannot be read.
    fn read(&self, target: &TargetPath) -> Result<Option<FileSet>, VolumeError>;

    /// Unlinks the files, unmounts every layer and removes the target. Absent is fine.
    ///
    /// # Errors
    /// If the target holds something that is not ours, or the kernel refuses.
    fn remove(&self, volume: &VolumeId, target: &TargetPath) -> Result<(), VolumeError>;
}
