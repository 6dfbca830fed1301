//! The data folder: the only place on the node's disk that is ours.
//!
//! Owns opening it. Invariant: only we own it and its mode lets only us in, its path leads through
//! no link that somebody could have put there, and one process uses it at a time.

use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::geteuid;
use svid_core::names::DriverName;

use super::folder::Folder;
use super::{FolderFault, VolumeError};

/// Opens this driver's folder below the data root, making both if they are missing, and keeps other
/// processes out of it for as long as it is open.
pub(super) fn open(data_root: &Path, driver_name: &DriverName) -> Result<Folder, VolumeError> {
    let driver_name = driver_name.as_str();
    let root = Folder::walk(data_root).map_err(|(path, cause)| unusable(path, cause))?;
    check(&root)?;
    if root.stat_of(driver_name)?.is_none() {
        root.make(driver_name, 0o700)?;
    }
    let pinned = root.pin(driver_name);
    check(&pinned.map_err(|cause| unusable(root.path().join(driver_name), cause))?)?;
    let folder = root.enter(driver_name)?;
    folder.set_mode(0o700)?;
    match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(folder),
        Err(Errno::WOULDBLOCK) => Err(VolumeError::DataFolderInUse {
            path: folder.path().to_owned(),
        }),
        Err(cause) => Err(folder.refused_here("lock", cause)),
    }
}

fn check(folder: &Folder) -> Result<(), VolumeError> {
    let stat = folder.stat()?;
    let (owner, us) = (stat.st_uid, geteuid().as_raw());
    let mode = stat.st_mode & 0o7777;
    let fault = match () {
        () if owner != us => FolderFault::Owner { owner, us },
        () if mode & 0o022 != 0 => FolderFault::Writable { mode },
        () => return Ok(()),
    };
    Err(VolumeError::DataFolder {
        path: folder.path().to_owned(),
        fault,
    })
}

fn unusable(path: PathBuf, cause: Errno) -> VolumeError {
    let fault = match cause {
        Errno::INVAL => FolderFault::Path,
        Errno::NOTDIR | Errno::LOOP => FolderFault::NotFolder,
        _ => {
            return VolumeError::Refused {
                attempt: "open",
                path,
                cause,
            };
        }
    };
    VolumeError::DataFolder { path, fault }
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    const DRIVER: &str = "spiffe.csi.cert-manager.io";

    fn driver() -> DriverName {
        DriverName::parse(DRIVER).unwrap()
    }

    fn fault(root: &Path) -> FolderFault {
        match open(root, &driver()) {
            Err(VolumeError::DataFolder { fault, .. }) => fault,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn missing_folders_are_made_for_us_alone() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path().join("a/b");
        drop(open(&root, &driver()).unwrap());
        for made in [root.join(DRIVER), root.clone(), temporary.path().join("a")] {
            assert_eq!(made.metadata().unwrap().mode() & 0o7777, 0o700, "{made:?}");
        }
        drop(open(&root, &driver()).unwrap());
    }

    #[test]
    fn a_folder_that_others_can_write_to_is_refused() {
        for mode in [0o777, 0o1777, 0o770, 0o702, 0o720] {
            let temporary = tempfile::tempdir().unwrap();
            set_permissions(temporary.path(), Permissions::from_mode(mode)).unwrap();
            assert_eq!(fault(temporary.path()), FolderFault::Writable { mode });
            let parent = tempfile::tempdir().unwrap();
            std::fs::create_dir(parent.path().join(DRIVER)).unwrap();
            set_permissions(parent.path().join(DRIVER), Permissions::from_mode(mode)).unwrap();
            assert_eq!(fault(parent.path()), FolderFault::Writable { mode });
        }
    }

    #[test]
    fn a_folder_of_somebody_else_is_refused() {
        let us = geteuid().as_raw();
        if us == 0 {
            let temporary = tempfile::tempdir().unwrap();
            std::os::unix::fs::chown(temporary.path(), Some(65534), None).unwrap();
            assert_eq!(
                fault(temporary.path()),
                FolderFault::Owner { owner: 65534, us }
            );
        } else {
            assert_eq!(
                fault(Path::new("/usr")),
                FolderFault::Owner { owner: 0, us }
            );
        }
    }

    #[test]
    fn no_link_is_followed_on_the_way() {
        let temporary = tempfile::tempdir().unwrap();
        let real = temporary.path().join("real");
        std::fs::create_dir(&real).unwrap();
        let link = temporary.path().join("link");
        symlink(&real, &link).unwrap();
        assert_eq!(fault(&link), FolderFault::NotFolder);
        assert_eq!(fault(&link.join("below")), FolderFault::NotFolder);
        symlink(&real, temporary.path().join(DRIVER)).unwrap();
        assert_eq!(fault(temporary.path()), FolderFault::NotFolder);
        std::fs::write(real.join("file"), "").unwrap();
        assert_eq!(fault(&real.join("file/x")), FolderFault::NotFolder);
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        let temporary = tempfile::tempdir().unwrap();
        for bad in [
            Path::new(""),
            Path::new("a"),
            &temporary.path().join("../x"),
        ] {
            assert_eq!(fault(bad), FolderFault::Path, "{bad:?}");
        }
    }

    #[test]
    fn two_processes_cannot_use_one_folder() {
        let temporary = tempfile::tempdir().unwrap();
        let first = open(temporary.path(), &driver()).unwrap();
        let second = open(temporary.path(), &driver());
        assert!(
            matches!(second, Err(VolumeError::DataFolderInUse { .. })),
            "{second:?}"
        );
        let other = DriverName::parse("other.driver").unwrap();
        drop(open(temporary.path(), &other).unwrap());
        drop(first);
        drop(open(temporary.path(), &driver()).unwrap());
    }
}
