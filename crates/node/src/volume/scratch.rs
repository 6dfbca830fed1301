//! A private place to mount on, while a volume is made or written to.
//!
//! Owns the folder `scratch` below the driver's folder: a tiny tmpfs whose inside no other mount
//! namespace sees. Invariant: outside a call to us nothing is mounted on it, and what a killed
//! process left there is removed before anything else is done.

use super::folder::Folder;
use super::mounts::{self, MountPoint, Mounted, Swapping, Tmpfs};
use super::{RootContext, Selinux, VolumeError};
use rustix::io::Errno;

/// The scratch file system. Unmounted when dropped.
#[derive(Debug)]
pub(super) struct Scratch {
    // Declared before the mount, so that it is closed before the unmount.
    folder: Folder,
    swapping: Swapping,
    context: Option<RootContext>,
    mount: Mounted,
}

/// One volume's part of the scratch file system. Removed when dropped: declare it before what is
/// mounted in it.
#[derive(Debug)]
pub(super) struct Workspace<'a> {
    scratch: &'a Scratch,
    name: String,
    folder: Option<Folder>,
}

impl Scratch {
    /// Removes what an earlier process left and mounts again. Finds out whether this kernel can
    /// keep a tmpfs out of swap, and whether its SELinux policy knows the volumes' context.
    ///
    /// # Errors
    /// If mounting fails; or the context is refused and SELinux would then keep containers from
    /// reading the volumes.
    pub(super) fn open(
        base: &Folder,
        driver_name: &str,
        context: Option<RootContext>,
        selinux: Selinux,
    ) -> Result<Self, VolumeError> {
        let place = MountPoint::in_folder(base, FOLDER);
        if base.stat_of(FOLDER)?.is_none() {
            base.make(FOLDER, 0o700)?;
        }
        detach_leftovers(base, &place)?;
        let entered = base.enter(FOLDER)?;
        entered.set_mode(0o700)?;
        drop(entered);
        let context = context.filter(|_| selinux != Selinux::Absent);
        let (mount, options) = mount_scratch(&place, driver_name, context.as_ref())?;
        let (swapping, is_taken) = (options.swapping, options.context.is_some());
        warn_of_swap(swapping);
        let context = match context {
            Some(refused) if !is_taken => {
                if selinux == Selinux::Enforcing {
                    return Err(VolumeError::ContextRefused { context: refused });
                }
                warn_of_context(&refused);
                None
            }
            taken => taken,
        };
        let folder = base
            .pin(FOLDER)
            .map_err(|cause| base.refused("open", FOLDER, cause))?;
        Ok(Self {
            folder,
            swapping,
            context,
            mount,
        })
    }

    /// It is not mounted any more: when this is dropped, another may be mounted in its place.
    pub(super) fn give_up(&self) {
        self.mount.give_up();
    }

    /// Whether it is still mounted in its place: who removes a mount point in another mount
    /// namespace takes the mount away.
    pub(super) fn is_mounted_in(&self, base: &Folder) -> Result<bool, VolumeError> {
        let ours = self.folder.stat()?.st_dev;
        Ok(base
            .stat_of(FOLDER)?
            .is_some_and(|found| found.st_dev == ours))
    }

    /// Whether volumes may be swapped out.
    pub(super) fn swapping(&self) -> Swapping {
        self.swapping
    }

    /// The SELinux context that volumes get, if this kernel takes it.
    pub(super) fn context(&self) -> Option<&RootContext> {
        self.context.as_ref()
    }

    /// Makes a folder for the work on one volume; each volume has one at a time.
    pub(super) fn workspace(&self, name: &str) -> Result<Workspace<'_>, VolumeError> {
        let mut workspace = Workspace {
            scratch: self,
            name: name.to_owned(),
            folder: None,
        };
        workspace.clear()?;
        self.folder.make(name, 0o700)?;
        let pinned = self.folder.pin(name);
        let folder = pinned.map_err(|cause| self.folder.refused("open", name, cause))?;
        folder.make(MOUNT_POINT, 0o700)?;
        workspace.folder = Some(folder);
        Ok(workspace)
    }

    /// Removes what failed work on a volume left.
    pub(super) fn clear(&self, name: &str) -> Result<(), VolumeError> {
        Workspace {
            scratch: self,
            name: name.to_owned(),
            folder: None,
        }
        .clear()
    }
}

impl Workspace<'_> {
    /// Where to mount.
    pub(super) fn place(&self) -> MountPoint {
        self.folder.as_ref().map_or_else(
            || MountPoint::in_folder(&self.scratch.folder, &self.name),
            |folder| MountPoint::in_folder(folder, MOUNT_POINT),
        )
    }

    /// The root of what was mounted at [`Workspace::place`]. Close it before the unmount.
    pub(super) fn enter(&self) -> Result<Folder, VolumeError> {
        self.folder
            .as_ref()
            .unwrap_or(&self.scratch.folder)
            .enter(MOUNT_POINT)
    }

    fn clear(&mut self) -> Result<(), VolumeError> {
        self.folder = None;
        let folder = match self.scratch.folder.pin(&self.name) {
            Ok(folder) => folder,
            Err(Errno::NOENT) => return Ok(()),
            Err(cause) => return Err(self.scratch.folder.refused("open", &self.name, cause)),
        };
        detach_leftovers(&folder, &MountPoint::in_folder(&folder, MOUNT_POINT))?;
        folder.remove_folder(MOUNT_POINT)?;
        self.scratch.folder.remove_folder(&self.name)
    }
}

impl Drop for Workspace<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.clear() {
            tracing::warn!(%error, "could not remove a directory of the scratch file system");
        }
    }
}

/// Unmounts everything that is mounted on a folder within `parent`. The contents are not removed:
/// they may be a second view of a volume that a pod sees.
fn detach_leftovers(parent: &Folder, place: &MountPoint) -> Result<(), VolumeError> {
    let Some(name) = place.shown.file_name() else {
        return Ok(());
    };
    for _ in 0..LAYER_LIMIT {
        let folder = match parent.pin(name) {
            Ok(folder) => folder,
            Err(Errno::NOENT) => return Ok(()),
            Err(cause) => return Err(parent.refused("open", name, cause)),
        };
        if mounts::mount_id(&folder)? == mounts::mount_id(parent)? {
            return Ok(());
        }
        drop(folder);
        tracing::info!(path = %place.shown.display(), "removing a mount that was left behind");
        mounts::detach(place)?;
    }
    Err(parent.refused("unmount everything on", name, Errno::LOOP))
}

/// What a kernel may refuse of a volume's mount, with one error for all: EINVAL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct MountOptions<'a> {
    swapping: Swapping,
    context: Option<&'a RootContext>,
}

impl<'a> MountOptions<'a> {
    /// Tries them, with the best first, and returns what the first gave that were not refused with
    /// EINVAL. The context goes before `noswap`: without it pods may fail.
    fn first_taken<T>(
        context: Option<&'a RootContext>,
        mut mount: impl FnMut(Self) -> Result<T, VolumeError>,
    ) -> Result<(T, Self), VolumeError> {
        let never = Swapping::Never;
        let with = |swapping| Self { swapping, context };
        let without = |swapping| Self {
            swapping,
            context: None,
        };
        let labelled = context.map(|_| [with(never), with(Swapping::Possible)]);
        let last = without(Swapping::Possible);
        for tried in labelled.into_iter().flatten().chain([without(never)]) {
            match mount(tried) {
                Err(VolumeError::Refused {
                    cause: Errno::INVAL,
                    ..
                }) => {}
                result => return result.map(|mounted| (mounted, tried)),
            }
        }
        mount(last).map(|mounted| (mounted, last))
    }
}

fn mount_scratch<'a>(
    place: &MountPoint,
    driver_name: &str,
    context: Option<&'a RootContext>,
) -> Result<(Mounted, MountOptions<'a>), VolumeError> {
    let (mount, options) = MountOptions::first_taken(context, |options| {
        let tmpfs = Tmpfs {
            source: driver_name,
            size: SIZE,
            inodes: INODES,
            mode: 0o700,
            swapping: options.swapping,
            root_context: options.context,
        };
        Mounted::tmpfs(place.clone(), &tmpfs)
    })?;
    Ok((mount.unbindable()?, options))
}

fn warn_of_swap(swapping: Swapping) {
    if swapping == Swapping::Possible {
        tracing::warn!(
            "this kernel cannot keep the volumes out of swap (it needs Linux 6.4 and no user \
             namespace): keys may be written to swap if swap is enabled"
        );
    }
}

fn warn_of_context(refused: &RootContext) {
    tracing::warn!(
        context = refused.as_str(),
        "the SELinux policy of this node does not know the context of --selinux-context, so \
         volumes are mounted without one. SELinux is permissive now; once it enforces, containers \
         cannot read them. Give a context that the policy knows (system_u:object_r:ephemeral_t:s0 \
         on Talos), or none"
    );
}

const FOLDER: &str = "scratch";
const MOUNT_POINT: &str = "mount";
/// Bytes; it holds only folders.
const SIZE: u64 = 64 * 1024;
/// Two folders for every volume that is worked on at the same time.
const INODES: u32 = 8192;
/// Mounts on one folder before we give up: more than one is already unusual.
const LAYER_LIMIT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    /// A kernel that takes these options and no others.
    fn kernel(noswap: bool, knows: bool) -> impl Fn(MountOptions<'_>) -> Result<(), VolumeError> {
        move |options| {
            let takes_swapping = noswap || options.swapping == Swapping::Possible;
            let takes_context = knows || options.context.is_none();
            refusing(Errno::INVAL, takes_swapping && takes_context)
        }
    }

    fn refusing(cause: Errno, takes: bool) -> Result<(), VolumeError> {
        let refused = VolumeError::Refused {
            attempt: "mount a tmpfs on",
            path: "/scratch".into(),
            cause,
        };
        takes.then_some(()).ok_or(refused)
    }

    #[test]
    fn what_a_kernel_does_not_know_is_told_apart_and_left_out() {
        let context = RootContext::parse("system_u:object_r:container_file_t:s0").unwrap();
        for given in [None, Some(&context)] {
            for noswap in [true, false] {
                for knows in [true, false] {
                    let ((), taken) =
                        MountOptions::first_taken(given, kernel(noswap, knows)).unwrap();
                    let swapping = if noswap {
                        Swapping::Never
                    } else {
                        Swapping::Possible
                    };
                    let expected = MountOptions {
                        swapping,
                        context: given.filter(|_| knows),
                    };
                    assert_eq!(taken, expected, "noswap: {noswap}, context: {knows}");
                }
            }
        }
    }

    #[test]
    fn any_other_refusal_ends_the_trying() {
        let context = RootContext::parse("a").unwrap();
        let mut tried = 0;
        let error = MountOptions::first_taken(Some(&context), |_| {
            tried += 1;
            refusing(Errno::PERM, false)
        });
        assert!(error.is_err());
        assert_eq!(tried, 1);
        let error = MountOptions::first_taken(Some(&context), |_| refusing(Errno::INVAL, false));
        assert!(error.is_err());
    }
}
