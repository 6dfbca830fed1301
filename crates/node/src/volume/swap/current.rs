//! Reads the set that a volume shows.

use super::plan::current_folder;
use super::{FILE_LIMIT, FileNames};
use crate::volume::folder::Folder;
use crate::volume::{FileSet, VolumeError};

/// The set that a volume's folder shows; None if the certificate or the key is missing, is not a
/// regular file or is larger than what we write.
///
/// # Errors
/// If something that is there cannot be read.
pub(in crate::volume) fn read(
    root: &Folder,
    names: &FileNames,
) -> Result<Option<FileSet>, VolumeError> {
    let Some(current) = current_folder(root)? else {
        return Ok(None);
    };
    let folder = root.enter(current)?;
    let certificate = folder.contents(names.certificate(), FILE_LIMIT)?;
    let key = folder.contents(names.key(), FILE_LIMIT)?;
    let bundle = folder.contents(names.bundle(), FILE_LIMIT)?;
    let (Some(certificate), Some(key)) = (certificate, key) else {
        return Ok(None);
    };
    let (certificate, bundle) = (certificate.to_vec(), bundle.map(|bundle| bundle.to_vec()));
    Ok(Some(FileSet {
        certificate,
        key,
        bundle,
    }))
}
