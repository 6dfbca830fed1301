//! The end of a volume.

use std::fs;
use std::os::unix::fs::symlink;

use libtest_mimic::Trial;
use rustix::mount::MountFlags;
use svid_node::spec::{TargetPath, VolumeSpec};
use svid_node::volume::{VolumeError, Volumes};

use crate::node::{Node, bind, is_foreign, set, shown, tmpfs, view};
use crate::{table, trial};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        trial("removing_is_complete_and_can_be_repeated", repeated),
        trial("a_removed_volume_can_be_published_again", again),
        trial("every_layer_at_a_target_is_removed", layers),
        trial(
            "files_are_gone_for_a_container_that_still_sees_the_volume",
            unlinked,
        ),
        trial("a_mount_that_is_busy_is_detached", busy),
        trial("what_is_not_ours_is_neither_emptied_nor_unmounted", foreign),
    ]
}

fn repeated() {
    let node = Node::new();
    let volumes = node.volumes();
    for spec in [node.spec("v"), node.plain_spec("w")] {
        volumes.remove(&spec.volume, &spec.target).unwrap();
        volumes.publish(&spec, &set("first")).unwrap();
        for _ in 0..3 {
            volumes.remove(&spec.volume, &spec.target).unwrap();
            assert!(!spec.target.as_path().exists());
        }
        fs::create_dir(spec.target.as_path()).unwrap();
        volumes.remove(&spec.volume, &spec.target).unwrap();
        assert!(!spec.target.as_path().exists());
    }
    assert_eq!(table::below(&node.root).len(), 1, "the scratch file system");
    let spec = node.plain_spec("gone");
    let target = TargetPath::parse(spec.target.as_path().join("a/b/c").to_str().unwrap()).unwrap();
    volumes.remove(&spec.volume, &target).unwrap();
}

fn again() {
    let node = Node::new();
    let volumes = node.volumes();
    let spec = node.spec("v");
    for word in ["first", "second"] {
        volumes.publish(&spec, &set(word)).unwrap();
        assert_eq!(view(spec.target.as_path()), shown(word));
        volumes.remove(&spec.volume, &spec.target).unwrap();
    }
}

fn layers() {
    let node = Node::new();
    let volumes = node.volumes();
    let spec = node.spec("v");
    let target = spec.target.as_path();
    volumes.publish(&spec, &set("first")).unwrap();
    let lower = node.root.join("lower");
    fs::create_dir(&lower).unwrap();
    bind(target, &lower, MountFlags::RDONLY);
    rustix::mount::mount_bind(target, target).unwrap();
    tmpfs(target, c"size=64k");
    fs::write(target.join("file"), "").unwrap();
    assert_eq!(table::at(target).len(), 3);
    volumes.remove(&spec.volume, &spec.target).unwrap();
    assert_eq!(table::at(target).len(), 0);
    assert!(!target.exists());
    assert_eq!(fs::read_dir(&lower).unwrap().count(), 0);
}

fn unlinked() {
    let node = Node::new();
    let volumes = node.volumes();
    let spec = node.spec("v");
    volumes.publish(&spec, &set("first")).unwrap();
    let container = node.root.join("container");
    fs::create_dir(&container).unwrap();
    bind(spec.target.as_path(), &container, MountFlags::RDONLY);
    assert_eq!(view(&container), shown("first"));
    volumes.remove(&spec.volume, &spec.target).unwrap();
    assert_eq!(fs::read_dir(&container).unwrap().count(), 0);
}

fn busy() {
    let node = Node::new();
    let volumes = node.volumes();
    let spec = node.spec("v");
    volumes.publish(&spec, &set("first")).unwrap();
    let open = fs::File::open(spec.target.as_path().join("tls.key")).unwrap();
    volumes.remove(&spec.volume, &spec.target).unwrap();
    assert!(!spec.target.as_path().exists());
    drop(open);
}

fn foreign() {
    let node = Node::new();
    let volumes = node.volumes();
    let precious = node.root.join("precious");
    fs::create_dir(&precious).unwrap();
    fs::write(precious.join("file"), "").unwrap();
    let remove = |spec: &VolumeSpec| volumes.remove(&spec.volume, &spec.target).unwrap_err();

    for spec in [node.spec("a"), node.plain_spec("a")] {
        fs::create_dir(spec.target.as_path()).unwrap();
        rustix::mount::mount_bind(&precious, spec.target.as_path()).unwrap();
        let error = remove(&spec);
        assert!(is_foreign(&error), "{error}");
        assert_eq!(table::at(spec.target.as_path()).len(), 1);
    }
    let spec = node.plain_spec("b");
    tmpfs(spec.target.as_path(), c"size=64k");
    fs::write(spec.target.as_path().join("file"), "").unwrap();
    assert!(is_foreign(&remove(&spec)));
    assert!(spec.target.as_path().join("file").exists());
    // Another volume of ours.
    let other = node.plain_spec("c");
    volumes.publish(&other, &set("first")).unwrap();
    let error = volumes.remove(&spec.volume, &other.target).unwrap_err();
    assert!(is_foreign(&error), "{error}");
    assert_eq!(view(other.target.as_path()), shown("first"));

    for spec in [node.spec("d"), node.plain_spec("d")] {
        fs::create_dir(spec.target.as_path()).unwrap();
        fs::write(spec.target.as_path().join("file"), "").unwrap();
        let error = remove(&spec);
        assert!(
            matches!(error, VolumeError::TargetBlocked { .. }),
            "{error}"
        );
        assert!(spec.target.as_path().join("file").exists());
    }
    for spec in [node.spec("e"), node.plain_spec("e")] {
        symlink(&precious, spec.target.as_path()).unwrap();
        let error = remove(&spec);
        assert!(
            matches!(error, VolumeError::TargetBlocked { .. }),
            "{error}"
        );
        assert!(spec.target.as_path().is_symlink());
    }
    assert!(precious.join("file").exists());
}
