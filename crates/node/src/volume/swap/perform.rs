//! Carries out a plan.

use std::ffi::OsString;

use jiff::Timestamp;
use rustix::io::Errno;

use super::plan::{Inventory, Plan, Step, through_data};
use super::{DATA, DATA_NEXT, FILE_LIMIT, Layout};
use crate::volume::folder::{Folder, seal};
use crate::volume::{FileSet, VolumeError};

/// Shows a set of files in a volume's folder in place of the one it shows now.
///
/// # Errors
/// If writing fails. The folder then shows what it showed before, and nothing half-written is left.
pub(in crate::volume) fn replace(
    root: &Folder,
    layout: &Layout<'_>,
    set: &FileSet,
    now: Timestamp,
) -> Result<(), VolumeError> {
    let files = layout.files(set);
    for file in &files {
        let length = file.bytes.len();
        if length > FILE_LIMIT {
            let name = file.name.to_owned();
            return Err(VolumeError::FileTooLarge {
                name,
                length,
                limit: FILE_LIMIT,
            });
        }
    }
    let plan = Inventory::of(root)?.plan(&files, now);
    let mut before = plan.before.iter();
    if let Err(error) = before.try_for_each(|step| perform(root, layout, &plan.folder, step)) {
        undo(root, &plan);
        return Err(meaning(root, error));
    }
    for step in &plan.after {
        if let Err(error) = perform(root, layout, &plan.folder, step) {
            tracing::warn!(%error, "could not remove a replaced file; it stays in the volume until the next swap");
        }
    }
    Ok(())
}

/// What a swap that was cut short left in a volume's folder, beside the set that it shows. Nothing,
/// if no set is shown: then nothing is known.
///
/// # Errors
/// If it cannot be read.
pub(in crate::volume) fn remains(root: &Folder) -> Result<Vec<OsString>, VolumeError> {
    let inventory = Inventory::of(root)?;
    let Some(current) = &inventory.current else {
        return Ok(Vec::new());
    };
    let current = root.enter(current)?;
    inventory.remains(|name| Ok(current.stat_of(name)?.is_some()))
}

/// Does one step.
pub(super) fn perform(
    root: &Folder,
    layout: &Layout<'_>,
    folder: &str,
    step: &Step<'_>,
) -> Result<(), VolumeError> {
    match step {
        Step::Discard(name) => root.discard(name),
        Step::MakeFolder => root.make(folder, 0o700),
        Step::WriteFile(file) => {
            let folder = root.enter(folder)?;
            let written = folder.create(file.name, file.bytes)?;
            seal(written, layout.file_mode, layout.group)
                .map_err(|cause| group_refused(layout, root, cause))
        }
        Step::SealFolder => seal_folder(&root.enter(folder)?, layout),
        Step::SealRoot => seal_folder(root, layout),
        Step::LinkName(name) => root.link(name, through_data(name.as_ref())),
        Step::LinkData => root.link(DATA_NEXT, folder),
        Step::Swap => root.rename(DATA_NEXT, DATA),
    }
}

fn seal_folder(folder: &Folder, layout: &Layout<'_>) -> Result<(), VolumeError> {
    seal(folder, layout.folder_mode, layout.group)
        .map_err(|cause| group_refused(layout, folder, cause))
}

/// EINVAL means that the user namespace has no number for the group, EPERM that we may not give
/// files to it.
fn group_refused(layout: &Layout<'_>, folder: &Folder, cause: Errno) -> VolumeError {
    match (layout.group, cause) {
        (Some(group), Errno::INVAL | Errno::PERM | Errno::OVERFLOW) => VolumeError::Group {
            path: folder.path().to_owned(),
            group,
            cause,
        },
        _ => folder.refused_here("set the owner and mode of", cause),
    }
}

fn undo(root: &Folder, plan: &Plan<'_>) {
    let names = [DATA_NEXT, plan.folder.as_str()]
        .into_iter()
        .chain(plan.added.iter().copied());
    for name in names {
        if let Err(error) = root.discard(name) {
            tracing::warn!(%error, "could not remove a half-written file; it stays in the volume \
                until the next swap");
        }
    }
}

/// What the kernel's error at a step before the swap says about the volume.
fn meaning(root: &Folder, error: VolumeError) -> VolumeError {
    let VolumeError::Refused { cause, .. } = error else {
        return error;
    };
    let path = root.path().to_owned();
    match cause {
        Errno::NOSPC | Errno::DQUOT => VolumeError::NoSpace { path },
        // In a folder that is open, only the folder's own removal causes this.
        Errno::NOENT => VolumeError::FolderGone { path },
        _ => error,
    }
}
