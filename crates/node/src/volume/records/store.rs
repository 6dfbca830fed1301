//! Where the records are.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;

use aws_lc_rs::digest::{SHA256, digest};

use super::format::{self, FormatError};
use crate::spec::{TargetPath, VolumeId};
use crate::volume::folder::Folder;
use crate::volume::{FoundRecord, Record, RecordState, VolumeError};

/// The records of this driver.
#[derive(Debug)]
pub(in crate::volume) struct RecordStore {
    folder: Folder,
    boot_id: String,
}

/// Why a file is set aside.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("it is not a plain file of at most {LIMIT} bytes")]
    File,
    #[error("its name is not that of a record")]
    Name,
    #[error("{0}")]
    Format(FormatError),
}

impl RecordStore {
    /// Opens the folder of the records, creating it if it is missing, and removes what a killed
    /// process had not finished writing.
    pub(in crate::volume) fn open(base: &Folder, boot_id: String) -> Result<Self, VolumeError> {
        if base.stat_of(FOLDER)?.is_none() {
            base.make(FOLDER, 0o700)?;
            base.sync()?;
        }
        let folder = base.enter(FOLDER)?;
        folder.set_mode(0o700)?;
        for entry in folder.entries()? {
            if entry.name.as_bytes().ends_with(UNFINISHED.as_bytes()) {
                // It is read by nobody, and a disk that became read-only keeps it.
                if let Err(error) = folder.discard(&entry.name) {
                    tracing::warn!(%error, "an unfinished record stays");
                }
            }
        }
        Ok(Self { folder, boot_id })
    }

    /// Whether nobody has removed the folder.
    pub(in crate::volume) fn is_there(&self) -> Result<bool, VolumeError> {
        self.folder.is_linked()
    }

    /// Every record that can be understood. The others are set aside.
    pub(in crate::volume) fn load(&self) -> Result<Vec<FoundRecord>, VolumeError> {
        let mut found = Vec::new();
        let entries = self.folder.entries()?;
        let is_broken = |name: &OsStr| name.as_bytes().ends_with(BROKEN.as_bytes());
        let mut room = BROKEN_LIMIT.saturating_sub(
            entries
                .iter()
                .filter(|entry| is_broken(&entry.name))
                .count(),
        );
        for entry in entries {
            if is_broken(&entry.name) || entry.name.as_bytes().ends_with(UNFINISHED.as_bytes()) {
                continue;
            }
            match self.read(&entry.name) {
                Ok(Ok(record)) => found.push(record),
                Ok(Err(reason)) => self.set_aside(&entry.name, &reason, &mut room),
                // The disk's fault, not the record's: it may be readable the next time.
                Err(error) => tracing::error!(%error, "skipping a record that cannot be read"),
            }
        }
        Ok(found)
    }

    /// Writes a record: when this returns, it is on the disk; if killed before, the old one is.
    pub(in crate::volume) fn save(&self, record: &Record) -> Result<(), VolumeError> {
        let volume = &record.spec.volume;
        let name = file_name(volume);
        let unfinished = format!("{name}{UNFINISHED}");
        let bytes = format::write(record, &self.boot_id).map_err(|error| {
            let cause = match error.io_error_kind() {
                Some(ErrorKind::OutOfMemory) => rustix::io::Errno::NOMEM,
                _ => rustix::io::Errno::INVAL,
            };
            self.folder.refused("encode", &name, cause)
        })?;
        if bytes.len() > LIMIT {
            let (volume, length) = (volume.to_string(), bytes.len());
            return Err(VolumeError::RecordTooLarge {
                volume,
                length,
                limit: LIMIT,
            });
        }
        self.folder.discard(&unfinished)?;
        let written = self.folder.create(&unfinished, &bytes).and_then(|file| {
            rustix::fs::fsync(&file)
                .map_err(|cause| self.folder.refused("sync to disk", &unfinished, cause))
        });
        if let Err(error) = written.and_then(|()| self.folder.rename(&unfinished, &name)) {
            if let Err(error) = self.folder.unlink(&unfinished) {
                tracing::warn!(%error, "could not remove an unfinished record; it stays until the next start");
            }
            return Err(error);
        }
        self.folder.sync()
    }

    /// Removes a record; absent is fine. On a disk that became read-only it stays, since a pod must
    /// be able to end; the next process finds its pod gone.
    pub(in crate::volume) fn forget(&self, volume: &VolumeId) -> Result<(), VolumeError> {
        match self.folder.unlink(file_name(volume)) {
            Err(error) if error.is_read_only() => {
                tracing::warn!(%volume, %error, "the record of a volume that is gone stays");
                Ok(())
            }
            Err(error) => Err(error),
            Ok(()) => self.folder.sync(),
        }
    }

    fn read(&self, name: &OsStr) -> Result<Result<FoundRecord, Broken>, VolumeError> {
        if !name.to_str().is_some_and(is_record_name) {
            return Ok(Err(Broken::Name));
        }
        let Some(bytes) = self.folder.contents(name, LIMIT)? else {
            return Ok(Err(Broken::File));
        };
        let read = match format::read(&bytes) {
            Ok(read) => read,
            Err(error) => return Ok(Err(Broken::Format(error))),
        };
        let volume = &read.record.spec.volume;
        if name != file_name(volume).as_str() {
            let volume = volume.clone();
            return Ok(Err(Broken::Format(FormatError::Name { volume })));
        }
        let record_state = if read.boot_id != self.boot_id {
            RecordState::OtherBoot
        } else if is_pod_gone(&read.record.spec.target) {
            RecordState::PodGone
        } else {
            RecordState::Current
        };
        Ok(Ok(FoundRecord {
            record: read.record,
            record_state,
        }))
    }

    /// Keeps a file that was not understood for people to look at, up to a limited number.
    fn set_aside(&self, name: &OsStr, reason: &Broken, room: &mut usize) {
        let path = self.folder.path().join(name);
        let aside = if name.len() + BROKEN.len() <= 255 && name.to_str().is_some() {
            format!("{}{BROKEN}", name.to_string_lossy())
        } else {
            format!("{}{BROKEN}", hash(name.as_bytes()))
        };
        let done = match room.checked_sub(1) {
            Some(left) => {
                *room = left;
                tracing::error!(path = %path.display(), %reason, aside, "set aside a record that was not understood");
                self.folder
                    .discard(&aside)
                    .and_then(|()| self.folder.rename(name, &aside))
            }
            None => {
                tracing::error!(path = %path.display(), %reason, "removed a record that was not \
                    understood, since {BROKEN_LIMIT} are set aside already");
                self.folder.discard(name)
            }
        };
        if let Err(error) = done {
            tracing::warn!(%error, "could not set aside a record that was not understood");
        }
    }
}

/// Whether the pod of a target is gone. A `pods` folder that is missing says nothing about one pod:
/// it may not have been mounted into our container.
pub(in crate::volume) fn is_pod_gone(target: &TargetPath) -> bool {
    let is_absent = |path: &std::path::Path| {
        path.symlink_metadata()
            .is_err_and(|error| error.kind() == ErrorKind::NotFound)
    };
    target
        .pod_folder()
        .is_some_and(|pod| is_absent(pod) && pod.parent().is_some_and(|pods| !is_absent(pods)))
}

/// The hexadecimal SHA-256 of some bytes, for use as a name.
pub(in crate::volume) fn hash(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in digest(&SHA256, bytes).as_ref() {
        // Writing to a string cannot fail.
        if write!(text, "{byte:02x}").is_err() {
            break;
        }
    }
    text
}

fn file_name(volume: &VolumeId) -> String {
    format!("{}{SUFFIX}", hash(volume.as_str().as_bytes()))
}

fn is_record_name(name: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    name.strip_suffix(SUFFIX)
        .is_some_and(|hash| hash.len() == 64 && hash.bytes().all(is_digit))
}

const FOLDER: &str = "volumes";
const SUFFIX: &str = ".json";
const UNFINISHED: &str = ".unfinished";
const BROKEN: &str = ".broken";
/// Bytes of one record.
pub(super) const LIMIT: usize = 64 * 1024;
/// How many files that were not understood are kept.
pub(super) const BROKEN_LIMIT: usize = 64;
