//! A node with a kubelet's pods folder and a data folder, both temporary.

use std::collections::BTreeMap;
use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use jiff::Timestamp;
use rustix::mount::{MountFlags, UnmountFlags};
use svid_client::clock::Clock;
use svid_core::identity::{ServiceAccount, TrustDomain};
use svid_core::names::DriverName;
use svid_node::credential::RequestMode;
use svid_node::driver::{Installation, NodeId};
use svid_node::spec::{Pod, TargetPath, VolumeId, VolumeSpec};
use svid_node::volume::{
    FileMode, FileNames, FileSet, LinuxVolumes, Selinux, VolumeError, VolumeOptions,
};
use zeroize::Zeroizing;

use crate::table;

pub(crate) const DRIVER: &str = "spiffe.csi.cert-manager.io";

/// Removes its folders and whatever is mounted in them when it is dropped.
pub(crate) struct Node {
    pub(crate) root: PathBuf,
    _temporary: tempfile::TempDir,
}

impl Node {
    pub(crate) fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path().canonicalize().unwrap();
        fs::create_dir(root.join("pods")).unwrap();
        Self {
            root,
            _temporary: temporary,
        }
    }

    pub(crate) fn volumes(&self) -> LinuxVolumes {
        LinuxVolumes::open(options(&self.root)).unwrap()
    }

    /// A volume as the kubelet asks for it. The kubelet makes the parent of the target.
    pub(crate) fn spec(&self, volume: &str) -> VolumeSpec {
        let spec = spec(&self.root, volume);
        fs::create_dir_all(spec.target.as_path().parent().unwrap()).unwrap();
        spec
    }

    /// A volume of an orchestrator that is no kubelet.
    pub(crate) fn plain_spec(&self, volume: &str) -> VolumeSpec {
        let target = TargetPath::parse(self.root.join(volume).to_str().unwrap()).unwrap();
        VolumeSpec {
            target,
            ..spec(&self.root, volume)
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        for mount in table::below(&self.root).iter().rev() {
            // Some went away with the mount they were on.
            rustix::mount::unmount(&*mount.point, UnmountFlags::DETACH).unwrap_or(());
        }
    }
}

fn installation() -> Installation {
    Installation {
        driver_name: DriverName::parse(DRIVER).unwrap(),
        node_id: NodeId::parse("node-1").unwrap(),
        requester: RequestMode::Pod,
        trust_domain: TrustDomain::parse("example.org").unwrap(),
        duration: "1h".parse().unwrap(),
        extra_annotations: BTreeMap::new(),
    }
}

pub(crate) fn options(root: &Path) -> VolumeOptions {
    VolumeOptions {
        data_root: root.join("data"),
        installation: Arc::new(installation()),
        files: FileNames::default(),
        file_mode: FileMode::default(),
        root_context: None,
        selinux: Selinux::Absent,
        boot_id: None,
        clock: Arc::new(StoppedClock),
    }
}

pub(crate) fn spec(root: &Path, volume: &str) -> VolumeSpec {
    let target = root.join(format!(
        "pods/uid-{volume}/volumes/kubernetes.io~csi/spiffe/mount"
    ));
    VolumeSpec {
        volume: VolumeId::parse(volume).unwrap(),
        target: TargetPath::parse(target.to_str().unwrap()).unwrap(),
        pod: Pod {
            name: "web-0".into(),
            uid: format!("uid-{volume}"),
        },
        service_account: ServiceAccount::new("shop", "web").unwrap(),
        fs_group: None,
    }
}

#[derive(Debug)]
struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    fn sleep_until(&self, _due: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::pending())
    }
}

/// A set of files that all say the same.
pub(crate) fn set(text: &str) -> FileSet {
    FileSet {
        certificate: format!("{text} certificate").into_bytes(),
        key: Zeroizing::new(format!("{text} key").into_bytes()),
        bundle: Some(format!("{text} bundle").into_bytes()),
    }
}

/// What a pod reads that opens every name it sees.
pub(crate) fn view(folder: &Path) -> BTreeMap<String, String> {
    let mut view = BTreeMap::new();
    let Ok(entries) = fs::read_dir(folder) else {
        return view;
    };
    for entry in entries {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.starts_with("..")
            && let Ok(text) = fs::read_to_string(folder.join(&name))
        {
            view.insert(name, text);
        }
    }
    view
}

/// What a pod must read after [`set`] was published.
pub(crate) fn shown(text: &str) -> BTreeMap<String, String> {
    let file = |name: &str, what: &str| (name.to_owned(), format!("{text} {what}"));
    BTreeMap::from([
        file("tls.crt", "certificate"),
        file("tls.key", "key"),
        file("ca.crt", "bundle"),
    ])
}

/// Shows a folder a second time, as a container runtime does, or writable.
pub(crate) fn bind(source: &Path, target: &Path, flags: MountFlags) {
    rustix::mount::mount_bind(source, target).unwrap();
    let safe = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    rustix::mount::mount_remount(target, MountFlags::BIND | safe | flags, c"").unwrap();
}

pub(crate) fn tmpfs(target: &Path, data: &std::ffi::CStr) {
    fs::create_dir_all(target).unwrap();
    rustix::mount::mount("tmpfs", target, "tmpfs", MountFlags::empty(), data).unwrap();
}

/// Only the root of the machine has all groups and may keep memory out of swap.
pub(crate) fn in_user_namespace() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap();
    map.split_whitespace().collect::<Vec<_>>() != ["0", "0", "4294967295"]
}

pub(crate) fn is_foreign(error: &VolumeError) -> bool {
    use svid_node::volume::Obstacle;
    matches!(
        error,
        VolumeError::TargetBlocked {
            obstacle: Obstacle::ForeignMount { .. },
            ..
        }
    )
}
