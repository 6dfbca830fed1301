//! Owns a pod of the demo: its identity, and its volume as the workload in it sees it.
//!
//! Must not know how a certificate is made. Invariant: the volume is read through one folder that
//! is opened once and stays open, as a workload's would, and what is read together was published
//! together.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use jiff::Timestamp;
use rustix::fs::{Mode, OFlags, open, openat};
use svid_core::identity::SpiffeId;
use svid_core::svid::PublicKey;
use svid_core::svid::examine::{self, Examination};
use svid_devcluster::PodHandle;
use zeroize::Zeroizing;

/// A running pod.
#[derive(Clone, Debug)]
pub(super) struct Actor {
    /// What the output calls it: its service account's name.
    pub(super) name: &'static str,
    pub(super) identity: SpiffeId,
    pub(super) pod: PodHandle,
    pub(super) volume: Volume,
}

/// An opened volume. Clones share the opened folder.
#[derive(Clone, Debug)]
pub(super) struct Volume {
    path: PathBuf,
    folder: Arc<OwnedFd>,
}

/// The files of one set. Has no `Debug`: one of them is the key.
pub(super) struct FileSet {
    pub(super) chain: Vec<u8>,
    pub(super) key: Zeroizing<Vec<u8>>,
    pub(super) roots: Vec<u8>,
}

/// What reading a volume showed.
#[derive(Clone, Debug)]
pub(super) struct Sighting {
    pub(super) examination: Examination,
    /// The public half of the key file.
    pub(super) key: Option<PublicKey>,
    pub(super) at: Timestamp,
}

impl Volume {
    /// Opens the folder that a pod's containers would see.
    ///
    /// # Errors
    /// It is not there.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let folder = open(path, flags, Mode::empty())
            .with_context(|| format!("opening the volume {}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            folder: Arc::new(folder),
        })
    }

    /// The path that it was opened by.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads all files of one set. `..data` leads to the present set, as in every volume that
    /// Kubernetes fills: a reader that opens it first never mixes two sets.
    ///
    /// # Errors
    /// A file is not there.
    pub(super) fn read(&self) -> io::Result<FileSet> {
        let mut tries = 0;
        loop {
            match self.read_once() {
                // The set was replaced, and the old one removed, between two of the steps.
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries < 3 => tries += 1,
                done => return done,
            }
        }
    }

    fn read_once(&self) -> io::Result<FileSet> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let set = openat(&self.folder, "..data", flags, Mode::empty())?;
        let read = |name: &str| -> io::Result<Vec<u8>> {
            let file = openat(&set, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
            let mut bytes = Vec::with_capacity(LARGEST);
            File::from(file).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        Ok(FileSet {
            chain: read("tls.crt")?,
            key: Zeroizing::new(read("tls.key")?),
            roots: read("ca.crt")?,
        })
    }

    /// Reads the files and judges them.
    ///
    /// # Errors
    /// A file is not there.
    pub(super) fn look(&self) -> io::Result<Sighting> {
        let set = self.read()?;
        let at = Timestamp::now();
        let files = examine::Files {
            chain_pem: &set.chain,
            key_pem: Some(&set.key),
            bundle_pem: Some(&set.roots),
        };
        Ok(Sighting {
            examination: examine::examine(&files, at),
            key: PublicKey::from_pkcs8_pem(&set.key).ok(),
            at,
        })
    }
}

impl Sighting {
    /// Why it is not a valid SVID of this identity, if it is not.
    pub(super) fn fault(&self, identity: &SpiffeId) -> Option<String> {
        if !self.examination.problems.is_empty() {
            return Some(self.examination.problems.join("; "));
        }
        match self.examination.spiffe_id.as_deref() {
            Some(id) if id == identity.as_str() => None,
            other => Some(format!("an SVID of {}", other.unwrap_or("nobody"))),
        }
    }

    /// The serial number, in hexadecimal.
    pub(super) fn serial(&self) -> &str {
        &self.examination.serial
    }

    /// Whole seconds from this look to the end of the certificate; negative once that is past.
    pub(super) fn seconds_left(&self) -> i64 {
        self.seconds_left_at(self.at)
    }

    /// Whole seconds from a time to the end of the certificate; negative once that is past.
    pub(super) fn seconds_left_at(&self, time: Timestamp) -> i64 {
        let end = self.examination.usable_until;
        end.map_or(0, |end| time.duration_until(end).as_secs())
    }
}

/// Bytes; a chain of the demo has less than 3 KiB.
const LARGEST: usize = 16 * 1024;
