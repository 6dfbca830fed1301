//! Volumes that cert-manager's driver in Go left behind.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use rustix::mount::{MountFlags, UnmountFlags};
use svid_node::spec::VolumeSpec;
use svid_node::volume::{VolumeError, Volumes};

use crate::node::{Node, bind, set, shown, tmpfs, view};
use crate::{table, trial};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        trial("a_volume_of_the_go_driver_is_continued_in_place", continued),
        trial("a_volume_of_the_go_driver_is_removed", removed),
        trial(
            "a_volume_of_the_go_driver_whose_folder_was_deleted_says_so",
            deleted,
        ),
    ]
}

/// What csi-lib makes: one tmpfs for all volumes, and a read-only bind of a folder in it.
fn publish(node: &Node, spec: &VolumeSpec) -> PathBuf {
    let store = node.root.join("inmemfs");
    tmpfs(&store, c"size=4m");
    let data = store.join(spec.volume.as_str()).join("data");
    let name = "..2026_01_02_03_04_05.000000006";
    fs::create_dir_all(data.join(name)).unwrap();
    fs::write(store.join(spec.volume.as_str()).join("metadata.json"), "{}").unwrap();
    for (file, text) in shown("go") {
        fs::write(data.join(name).join(&file), text).unwrap();
        symlink(format!("..data/{file}"), data.join(file)).unwrap();
    }
    symlink(name, data.join("..data")).unwrap();
    fs::create_dir_all(spec.target.as_path()).unwrap();
    bind(&data, spec.target.as_path(), MountFlags::RDONLY);
    store
}

fn detach(store: &Path) {
    rustix::mount::unmount(store, UnmountFlags::DETACH).unwrap();
}

fn continued() {
    for (is_kept, is_kubelets) in [(true, true), (false, true), (true, false), (false, false)] {
        let node = Node::new();
        let volumes = node.volumes();
        let spec = if is_kubelets {
            node.spec("v")
        } else {
            node.plain_spec("v")
        };
        let store = publish(&node, &spec);
        if !is_kept {
            detach(&store);
        }
        let container = node.root.join("container");
        fs::create_dir(&container).unwrap();
        bind(spec.target.as_path(), &container, MountFlags::RDONLY);

        if is_kubelets {
            assert!(volumes.is_mounted(&spec.target).unwrap());
            let read = volumes.read(&spec.target).unwrap().unwrap();
            assert_eq!(read.certificate, b"go certificate");
        }
        volumes.publish(&spec, &set("ours")).unwrap();
        assert_eq!(view(&container), shown("ours"));
        assert_eq!(fs::read_dir(&container).unwrap().count(), 5);
        assert_eq!(table::at(spec.target.as_path()).len(), 1);
        if is_kubelets {
            volumes.replace_bundle(&spec, b"ours bundle").unwrap();
            assert_eq!(view(&container), shown("ours"));
        }
    }
}

fn removed() {
    for is_kubelets in [true, false] {
        let node = Node::new();
        let volumes = node.volumes();
        let spec = if is_kubelets {
            node.spec("v")
        } else {
            node.plain_spec("v")
        };
        let store = publish(&node, &spec);
        volumes.remove(&spec.volume, &spec.target).unwrap();
        assert!(!spec.target.as_path().exists());
        let volume = store.join("v");
        assert_eq!(fs::read_dir(volume.join("data")).unwrap().count(), 0);
        assert!(
            volume.join("metadata.json").exists(),
            "what the volume did not show is left alone"
        );
    }
}

fn deleted() {
    let node = Node::new();
    let volumes = node.volumes();
    let spec = node.spec("v");
    let store = publish(&node, &spec);
    fs::remove_dir_all(store.join("v")).unwrap();
    assert!(volumes.is_mounted(&spec.target).unwrap());
    assert!(volumes.read(&spec.target).unwrap().is_none());
    let error = volumes.publish(&spec, &set("ours")).unwrap_err();
    assert!(matches!(error, VolumeError::FolderGone { .. }), "{error}");
    assert_eq!(table::at(spec.target.as_path()).len(), 1);
    volumes.remove(&spec.volume, &spec.target).unwrap();
    assert!(!spec.target.as_path().exists());
}
