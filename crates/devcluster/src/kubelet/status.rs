//! What a kubelet knows of its volumes, for tests and the demo to read and wait on.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tokio::sync::watch;

use super::socket::CallError;

/// Where a volume stands in the kubelet's eyes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Certainly not published: never tried, or the last error was final.
    #[default]
    Absent,
    /// Perhaps published: an attempt ended in an error that is not final, or the kubelet is new.
    Uncertain,
    Published,
    /// Unpublished, its folders removed.
    Removed,
}

/// One volume, as the kubelet sees it.
#[derive(Clone, Debug, Default)]
pub struct VolumeStatus {
    pub target: PathBuf,
    /// The volume id.
    pub volume_id: String,
    pub phase: Phase,
    /// NodePublishVolume calls that were tried, failed ones and republishing included.
    pub attempts: usize,
    /// Those that succeeded.
    pub successes: usize,
    /// NodeUnpublishVolume calls that were tried.
    pub unpublish_attempts: usize,
    /// The error of the last call; `None` if it succeeded.
    pub last_error: Option<CallError>,
}

/// The status of every volume, by pod UID and volume name. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Board {
    all: watch::Sender<BTreeMap<(String, String), VolumeStatus>>,
}

impl Board {
    pub(super) fn update(&self, uid: &str, volume: &str, change: impl FnOnce(&mut VolumeStatus)) {
        self.all.send_modify(|all| {
            change(all.entry((uid.to_owned(), volume.to_owned())).or_default());
        });
    }

    pub(super) fn read(&self, uid: &str, volume: &str) -> VolumeStatus {
        let key = (uid.to_owned(), volume.to_owned());
        self.all.borrow().get(&key).cloned().unwrap_or_default()
    }

    /// Waits until a volume is as wanted.
    pub(super) async fn wait(
        &self,
        uid: &str,
        volume: &str,
        is_wanted: impl Fn(&VolumeStatus) -> bool + Send,
    ) -> VolumeStatus {
        let key = (uid.to_owned(), volume.to_owned());
        let sought = key.clone();
        let mut all = self.all.subscribe();
        let found = all
            .wait_for(move |all| is_wanted(all.get(&sought).unwrap_or(&VolumeStatus::default())))
            .await;
        // The sender lives as long as `self`, so the wait cannot fail.
        found.map_or_else(
            |_closed| VolumeStatus::default(),
            |all| all.get(&key).cloned().unwrap_or_default(),
        )
    }
}
