//! Owns reading the files of a volume from a folder that may be somebody else's.
//!
//! Must not know what the files mean. Invariant: reads regular files only, not more than
//! [`LARGEST`] bytes of each, and wipes the key's bytes after use.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use svid_node::driver::FileNames;
use zeroize::Zeroizing;

/// The files of a volume, each with what was found.
#[derive(Debug)]
pub(crate) struct VolumeFiles {
    pub(crate) certificate: FoundFile,
    pub(crate) key: FoundFile,
    pub(crate) bundle: FoundFile,
}

impl VolumeFiles {
    /// Reads what is there.
    pub(crate) fn read(folder: &Path, names: &FileNames) -> Self {
        Self {
            certificate: FoundFile::read(folder, names.certificate()),
            key: FoundFile::read(folder, names.key()),
            bundle: FoundFile::read(folder, names.bundle()),
        }
    }
}

/// One name in a folder.
#[derive(Debug)]
pub(crate) struct FoundFile {
    pub(crate) name: String,
    pub(crate) state: EntryState,
}

/// What was found under a name.
pub(crate) enum EntryState {
    Absent,
    /// It is nothing that a volume has.
    Unfit(String),
    /// Nobody knows what it is: the system did not let us look.
    Unseen(String),
    File {
        content: Zeroizing<Vec<u8>>,
        /// Permission bits.
        mode: u32,
        owner: u32,
        group: u32,
    },
}

impl std::fmt::Debug for EntryState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Absent => "Absent",
            Self::Unfit(_) => "Unfit",
            Self::Unseen(_) => "Unseen",
            Self::File { .. } => "File(redacted)",
        })
    }
}

impl FoundFile {
    fn read(folder: &Path, name: &str) -> Self {
        let state = match read(&folder.join(name)) {
            Ok((content, metadata)) => EntryState::File {
                content,
                mode: metadata.mode() & 0o7777,
                owner: metadata.uid(),
                group: metadata.gid(),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => EntryState::Absent,
            // Ours, not the system's.
            Err(error) if error.raw_os_error().is_none() => EntryState::Unfit(error.to_string()),
            Err(error) => EntryState::Unseen(error.to_string()),
        };
        Self {
            name: name.to_owned(),
            state,
        }
    }

    /// What was read, if anything was.
    pub(crate) fn content(&self) -> Option<&[u8]> {
        match &self.state {
            EntryState::File { content, .. } => Some(content),
            EntryState::Absent | EntryState::Unfit(_) | EntryState::Unseen(_) => None,
        }
    }
}

fn read(path: &Path) -> io::Result<(Zeroizing<Vec<u8>>, Metadata)> {
    // Opening a pipe would wait for its writer.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    if metadata.len() > LARGEST {
        return Err(io::Error::other(format!("larger than {LARGEST} bytes")));
    }
    // At full capacity from the start, so that growing leaves no copy of a key behind.
    let mut content = Zeroizing::new(Vec::with_capacity(
        usize::try_from(LARGEST + 1).unwrap_or(0),
    ));
    file.take(LARGEST + 1).read_to_end(&mut content)?;
    Ok((content, metadata))
}

/// Bytes; the trust bundles of Kubernetes have the same limit.
const LARGEST: u64 = 1024 * 1024;
