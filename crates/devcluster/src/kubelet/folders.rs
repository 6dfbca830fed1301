//! The kubelet's folders for one volume; what is at the target is the driver's.

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tokio::fs;

/// Where one inline volume of one pod lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VolumeFolder {
    pod: PathBuf,
    parent: PathBuf,
}

impl VolumeFolder {
    pub(super) fn new(root: &Path, pod_uid: &str, volume: &str) -> Self {
        let pod = root.join("pods").join(pod_uid);
        Self {
            parent: pod.join("volumes/kubernetes.io~csi").join(volume),
            pod,
        }
    }

    /// The path that the driver is to publish to.
    pub(super) fn target(&self) -> PathBuf {
        self.parent.join("mount")
    }

    /// Whether an earlier kubelet left something here.
    pub(super) async fn is_there(&self) -> bool {
        fs::try_exists(&self.parent).await.unwrap_or(true)
    }

    /// Makes the parent of the target (0750); the target is the driver's.
    pub(super) async fn make(&self) -> io::Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o750)
            .create(&self.parent)
            .await
    }

    /// Removes what the kubelet made. Never a full folder and never a mount: an error says so.
    pub(super) async fn remove(&self) -> io::Result<()> {
        absent_is_fine(fs::remove_dir(self.target()).await)?;
        absent_is_fine(fs::remove_dir(&self.parent).await)
    }

    /// Removes the pod's folder if no volume is left in it.
    pub(super) async fn remove_pod(root: &Path, pod_uid: &str) -> io::Result<()> {
        let pod = root.join("pods").join(pod_uid);
        for folder in ["volumes/kubernetes.io~csi", "volumes", ""] {
            absent_is_fine(fs::remove_dir(pod.join(folder)).await)?;
        }
        Ok(())
    }
}

/// The volume id of an inline volume (`makeVolumeHandle` in `pkg/volume/csi`).
pub(super) fn volume_handle(pod_uid: &str, volume: &str) -> String {
    let digest = Sha256::digest(format!("{pod_uid}{volume}"));
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("csi-{hex}")
}

fn absent_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_handle_is_the_hash_of_pod_and_volume() {
        let handle = volume_handle("uid", "spiffe");
        assert_eq!(handle.len(), 4 + 64);
        assert_ne!(handle, volume_handle("uid", "other"));
        // echo -n uidspiffe | sha256sum
        assert_eq!(&handle[..12], "csi-6af0e5ca");
    }
}
