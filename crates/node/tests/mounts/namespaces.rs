//! Other mount namespaces: the driver's container, which comes and goes, and pods.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use libtest_mimic::Trial;
use rustix::mount::{MountPropagationFlags, mount_bind, mount_change};
use svid_node::volume::Volumes;

use crate::acts::{Act, Stage, ask_watcher, await_watcher, perform, start};
use crate::node::{Node, set, shown, view};
use crate::{table, trial};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        trial("a_volume_outlives_the_container_that_made_it", outlives),
        trial(
            "a_shared_data_folder_shows_nothing_of_the_work",
            shared_data,
        ),
        trial(
            "files_are_gone_for_a_mount_namespace_that_pins_the_volume",
            pinned,
        ),
        trial(
            "a_killed_process_leaves_a_volume_that_the_next_one_continues",
            killed,
        ),
    ]
}

/// A node whose pods folder is seen by every mount namespace, as with `Bidirectional`.
fn shared() -> Node {
    let node = Node::new();
    share(&node.root.join("pods"));
    node
}

fn share(folder: &Path) {
    mount_bind(folder, folder).unwrap();
    mount_change(folder, MountPropagationFlags::SHARED).unwrap();
}

fn outlives() {
    let node = shared();
    let spec = node.spec("v");
    let target = spec.target.as_path();
    for word in ["first", "second", "third"] {
        perform(Stage::Elsewhere, Act::PublishAndDie, &node.root, "v", word);
        assert_eq!(view(target), shown(word));
        let mounts = table::at(target);
        assert_eq!(mounts.len(), 1, "{mounts:?}");
        for option in ["ro", "nosuid", "nodev", "noexec"] {
            assert!(
                mounts[0].options.iter().any(|found| found == option),
                "{option}: {mounts:?}"
            );
        }
        // Nothing of the container's own mounts was seen outside of it.
        assert_eq!(table::below(&node.root.join("data")).len(), 0);
    }
    let volumes = node.volumes();
    volumes.publish(&spec, &set("here")).unwrap();
    assert_eq!(view(target), shown("here"));
    volumes.remove(&spec.volume, &spec.target).unwrap();
    assert!(!target.exists());
}

/// Nobody should mount the data folder so; what comes of it must not be worse than untidy.
fn shared_data() {
    let node = shared();
    let data = node.root.join("data");
    DirBuilder::new().mode(0o700).create(&data).unwrap();
    share(&data);
    let spec = node.spec("v");
    for word in ["first", "second"] {
        perform(Stage::Elsewhere, Act::PublishAndDie, &node.root, "v", word);
        assert_eq!(view(spec.target.as_path()), shown(word));
        assert_eq!(table::at(spec.target.as_path()).len(), 1);
        // The data folder itself and the empty scratch file system.
        let mounts = table::below(&data);
        assert_eq!(mounts.len(), 2, "{mounts:?}");
        assert_eq!(fs::read_dir(&mounts[1].point).unwrap().count(), 0);
    }
}

fn pinned() {
    let node = Node::new();
    let volumes = node.volumes();
    let spec = node.spec("v");
    volumes.publish(&spec, &set("first")).unwrap();
    // What is private here is copied into the new mount namespace and stays there.
    let mut watcher = start(Stage::Elsewhere, Act::Watch, &node.root, "v", "");
    await_watcher(&mut watcher);
    volumes.remove(&spec.volume, &spec.target).unwrap();
    assert!(!spec.target.as_path().exists());
    assert_eq!(ask_watcher(watcher), Vec::<String>::new());
}

fn killed() {
    let node = Node::new();
    let spec = node.spec("v");
    perform(Stage::Here, Act::PublishAndDie, &node.root, "v", "first");
    let scratch = node.root.join("data/spiffe.csi.cert-manager.io/scratch");
    assert_eq!(table::at(&scratch).len(), 1, "left behind");
    assert_eq!(view(spec.target.as_path()), shown("first"));
    perform(Stage::Here, Act::PublishAndDie, &node.root, "v", "second");
    assert_eq!(table::at(&scratch).len(), 1);
    assert_eq!(view(spec.target.as_path()), shown("second"));

    let volumes = node.volumes();
    assert_eq!(table::at(&scratch).len(), 1);
    drop(volumes);
    assert_eq!(table::at(&scratch).len(), 0);
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0);
}
