//! Owns the flags that name the files in a volume, for `driver` and `inspect`.
//!
//! Must not know which file names are valid: [`FileNames`] does.

use svid_node::driver::{FileNames, VolumeFile};

use super::flags::FileNameFlags;
use super::problem::Problems;

/// Checks all names. `None`: at least one problem was noted.
pub(super) fn from_flags(flags: &FileNameFlags, problems: &mut Problems) -> Option<FileNames> {
    let FileNameFlags {
        file_name_certificate: certificate,
        file_name_key: key,
        file_name_ca: bundle,
    } = flags;
    let errors = match FileNames::new(certificate, key, bundle) {
        Ok(names) => return Some(names),
        Err(errors) => errors,
    };
    for error in errors {
        let (flag, name) = match error.file() {
            VolumeFile::Certificate => ("--file-name-certificate", certificate),
            VolumeFile::Key => ("--file-name-key", key),
            VolumeFile::Bundle => ("--file-name-ca", bundle),
        };
        problems.add(flag, name, error);
    }
    None
}
