//! The volumes of a Linux node.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::io::Errno;
use tokio_util::sync::CancellationToken;

use super::folder::{Folder, errno};
use super::mounts::{MountPoint, Mounted, Tmpfs};
use super::opened::{Data, Opening};
use super::records::{hash, is_pod_gone};
use super::swap::{self, Layout};
use super::target::{Occupant, Ours, Target, source_text};
use super::{
    FileMode, FileNames, FileSet, FoundRecord, Obstacle, Record, RootContext, Selinux, VolumeError,
    Volumes,
};
use crate::installation::Installation;
use crate::spec::{TargetPath, VolumeId, VolumeSpec};
use svid_client::clock::Clock;

/// What [`LinuxVolumes::open`] needs to know.
#[derive(Debug, Clone)]
pub struct VolumeOptions {
    /// An absolute path. Ours is the folder named after the driver below it.
    pub data_root: PathBuf,
    /// Whose volumes they are.
    pub installation: Arc<Installation>,
    /// The names of the files in every volume.
    pub files: FileNames,
    /// The mode of the files: 0440 unless a pod without an fsGroup is to read them.
    pub file_mode: FileMode,
    /// The SELinux context of the volumes, where the node has SELinux.
    pub root_context: Option<RootContext>,
    /// What SELinux does on this node.
    pub selinux: Selinux,
    /// What identifies this boot of the node; None to ask the kernel.
    pub boot_id: Option<String>,
    /// Names new sets of files after the time.
    pub clock: Arc<dyn Clock>,
}

/// The volumes of this node. One process has a data folder open at a time.
#[derive(Debug)]
pub struct LinuxVolumes {
    installation: Arc<Installation>,
    files: FileNames,
    file_mode: FileMode,
    clock: Arc<dyn Clock>,
    data: Data,
}

impl LinuxVolumes {
    /// Opens the data folder, creating it if it is missing, removes what an earlier process left
    /// half-done and mounts the scratch file system.
    ///
    /// # Errors
    /// If the data folder is not ours alone or is in use, or mounting is not allowed.
    pub fn open(options: VolumeOptions) -> Result<Self, VolumeError> {
        let VolumeOptions {
            data_root,
            installation,
            files,
            file_mode,
            root_context,
            selinux,
            boot_id,
            clock,
        } = options;
        let boot_id = boot_id.map_or_else(kernel_boot_id, Ok)?;
        let data = Data::open(Opening {
            data_root,
            driver_name: installation.driver_name.clone(),
            boot_id,
            root_context,
            selinux,
        })?;
        Ok(Self {
            installation,
            files,
            file_mode,
            clock,
            data,
        })
    }

    /// Cancelled when the data root itself was removed, which only a process that is started again
    /// can mend: the kubelet mounts another for it.
    pub fn lost(&self) -> CancellationToken {
        self.data.lost()
    }

    fn layout(&self, spec: &VolumeSpec) -> Layout<'_> {
        Layout {
            names: &self.files,
            file_mode: self.file_mode.bits(),
            folder_mode: self.file_mode.of_folders(),
            group: spec.fs_group,
        }
    }

    fn ours<'a>(&'a self, volume: Option<&'a VolumeId>) -> Ours<'a> {
        Ours {
            driver_name: self.installation.driver_name.as_str(),
            volume,
        }
    }

    /// Our topmost volume at the target.
    fn mounted<'a>(
        &self,
        target: &'a TargetPath,
    ) -> Result<Option<(Target<'a>, Folder)>, VolumeError> {
        let Some(located) = Target::locate(target)? else {
            return Ok(None);
        };
        match located.look()? {
            Occupant::Mount(mount) => Ok(match located.check(&mount, self.ours(None)) {
                Ok(()) => Some((located, mount)),
                Err(VolumeError::TargetBlocked { .. }) => None,
                Err(error) => return Err(error),
            }),
            Occupant::Absent | Occupant::Folder(_) => Ok(None),
        }
    }

    /// Makes a volume complete in a private place and moves it, read-only, onto the target.
    fn mount_first(
        &self,
        target: &Target<'_>,
        spec: &VolumeSpec,
        files: &FileSet,
    ) -> Result<(), VolumeError> {
        let opened = self.data.opened()?;
        let workspace = opened.scratch.workspace(&work_name(&spec.volume))?;
        let source = source_text(self.installation.driver_name.as_str(), &spec.volume);
        let mount = Mounted::tmpfs(
            workspace.place(),
            &Tmpfs {
                source: &source,
                size: SIZE,
                inodes: INODES,
                mode: 0o550,
                swapping: opened.scratch.swapping(),
                root_context: opened.scratch.context(),
            },
        )?;
        let root = workspace.enter()?;
        swap::replace(&root, &self.layout(spec), files, self.clock.now())
            .map_err(|error| named_after(error, spec.target.as_path()))?;
        drop(root);
        mount.make_read_only()?;

        let made = matches!(target.look()?, Occupant::Absent);
        if made {
            target.make()?;
        }
        let moved = match target.look() {
            Ok(Occupant::Folder(folder)) => mount.move_to(&MountPoint::itself(&folder)),
            // Something else is working there.
            Ok(Occupant::Absent | Occupant::Mount(_)) => Err(VolumeError::Refused {
                attempt: "move the volume to",
                path: spec.target.as_path().to_owned(),
                cause: Errno::BUSY,
            }),
            Err(error) => Err(error),
        };
        if moved.is_err() && made {
            undo_folder(target);
        }
        moved
    }

    /// Works in a volume that is mounted read-only, through a private, writable view of it.
    fn write<T>(
        &self,
        volume: &VolumeId,
        mount: &Folder,
        work: impl FnOnce(&Folder) -> Result<T, VolumeError>,
    ) -> Result<T, VolumeError> {
        let opened = self.data.opened()?;
        let workspace = opened.scratch.workspace(&work_name(volume))?;
        let _view = Mounted::writable_bind(mount, workspace.place())?;
        let root = workspace.enter()?;
        let done = work(&root).map_err(|error| named_after(error, mount.path()));
        // If it stayed open, it would keep the view busy.
        drop(root);
        done
    }

    fn swap_in(
        &self,
        mount: &Folder,
        spec: &VolumeSpec,
        files: &FileSet,
    ) -> Result<(), VolumeError> {
        self.write(&spec.volume, mount, |root| {
            swap::replace(root, &self.layout(spec), files, self.clock.now())
        })
    }
}

impl Volumes for LinuxVolumes {
    fn records(&self) -> Result<Vec<FoundRecord>, VolumeError> {
        self.data.load()
    }

    fn is_pod_gone(&self, target: &TargetPath) -> bool {
        is_pod_gone(target)
    }

    fn save(&self, record: &Record) -> Result<(), VolumeError> {
        self.data.save(record)
    }

    fn forget(&self, volume: &VolumeId) -> Result<(), VolumeError> {
        self.data.forget(volume)
    }

    fn is_mounted(&self, target: &TargetPath) -> Result<bool, VolumeError> {
        Ok(self.mounted(target)?.is_some())
    }

    fn publish(&self, spec: &VolumeSpec, files: &FileSet) -> Result<(), VolumeError> {
        let Some(target) = Target::locate(&spec.target)? else {
            let path = spec.target.as_path();
            let path = path.parent().unwrap_or(path).to_owned();
            let cause = Errno::NOENT;
            return Err(VolumeError::Refused {
                attempt: "open",
                path,
                cause,
            });
        };
        match target.look()? {
            Occupant::Absent => self.mount_first(&target, spec, files),
            Occupant::Folder(folder) if folder.is_empty()? => {
                self.mount_first(&target, spec, files)
            }
            Occupant::Folder(_) => Err(target.blocked(Obstacle::NonEmptyFolder)),
            Occupant::Mount(mount) => {
                target.check(&mount, self.ours(Some(&spec.volume)))?;
                self.swap_in(&mount, spec, files)
            }
        }
    }

    fn replace_bundle(&self, spec: &VolumeSpec, bundle: &[u8]) -> Result<(), VolumeError> {
        let not_published = || VolumeError::NotPublished {
            path: spec.target.as_path().to_owned(),
        };
        let (_, mount) = self.mounted(&spec.target)?.ok_or_else(not_published)?;
        let shown = swap::read(&mount, &self.files)?.ok_or_else(not_published)?;
        if shown.bundle.as_deref() == Some(bundle) {
            return Ok(());
        }
        self.swap_in(
            &mount,
            spec,
            &FileSet {
                bundle: Some(bundle.to_vec()),
                ..shown
            },
        )
    }

    fn tidy(&self, spec: &VolumeSpec) -> Result<(), VolumeError> {
        let Some((_, mount)) = self.mounted(&spec.target)? else {
            return Ok(());
        };
        let remains = swap::remains(&mount)?;
        if remains.is_empty() {
            return Ok(());
        }
        tracing::info!(volume = %spec.volume, "taking away what a swap left that was cut short");
        self.write(&spec.volume, &mount, |root| {
            remains.iter().try_for_each(|name| root.discard(name))
        })
    }

    fn read(&self, target: &TargetPath) -> Result<Option<FileSet>, VolumeError> {
        match self.mounted(target)? {
            Some((_, mount)) => swap::read(&mount, &self.files),
            None => Ok(None),
        }
    }

    fn remove(&self, volume: &VolumeId, target: &TargetPath) -> Result<(), VolumeError> {
        if let Some(located) = Target::locate(target)? {
            self.remove_layers(volume, &located)?;
            located.remove()?;
        }
        self.data.opened()?.scratch.clear(&work_name(volume))
    }
}

impl LinuxVolumes {
    /// Unlinks before unmounting: other mount namespaces may keep the file system alive.
    fn remove_layers(&self, volume: &VolumeId, target: &Target<'_>) -> Result<(), VolumeError> {
        // Every iteration removes one mount, so this ends.
        while let Occupant::Mount(mount) = target.look()? {
            target.check(&mount, self.ours(Some(volume)))?;
            if let Err(error) = self.write(volume, &mount, Folder::clear) {
                tracing::warn!(%volume, %error, "could not unlink the files of a volume; it is only unmounted");
            }
            drop(mount);
            target.unmount()?;
        }
        Ok(())
    }
}

fn undo_folder(target: &Target<'_>) {
    if let Err(error) = target.remove() {
        tracing::warn!(%error, "could not remove a directory that was created for a volume");
    }
}

/// People know the target, not the private place where its files are written.
fn named_after(mut error: VolumeError, target: &Path) -> VolumeError {
    if let VolumeError::NoSpace { path }
    | VolumeError::FolderGone { path }
    | VolumeError::Group { path, .. } = &mut error
    {
        target.clone_into(path);
    }
    error
}

fn work_name(volume: &VolumeId) -> String {
    hash(volume.as_str().as_bytes())
}

fn kernel_boot_id() -> Result<String, VolumeError> {
    let text = std::fs::read_to_string(BOOT_ID).map_err(|error| VolumeError::Refused {
        attempt: "read",
        path: BOOT_ID.into(),
        cause: errno(&error),
    })?;
    Ok(text.trim().to_owned())
}

/// random(4).
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// Bytes: the old set and the new one, three files each, of the largest size, and their folders.
const SIZE: u64 = 8 * 1024 * 1024;
/// Two sets take 14: root, 2 folders, 6 files, 3 links, `..data` and the link that becomes it.
const INODES: u32 = 64;
