//! Every later set of files.

use std::fs::{self, File};
use std::io::Read;
use std::mem::MaybeUninit;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::sync::mpsc;
use std::thread;

use libtest_mimic::Trial;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, inotify};
use rustix::mount::MountFlags;
use svid_node::spec::VolumeSpec;
use svid_node::volume::{FileNames, FileSet, LinuxVolumes, VolumeError, VolumeOptions, Volumes};

use crate::node::{Node, bind, in_user_namespace, options, set, shown, tmpfs, view};
use crate::{table, trial};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        trial(
            "a_container_sees_the_new_set_where_it_saw_the_old_one",
            containers,
        ),
        trial(
            "whoever_reads_at_the_moment_of_a_swap_finds_all_of_the_new_set",
            at_the_rename,
        ),
        trial("a_swap_changes_no_mount", no_mount_changes),
        trial("only_the_bundle_is_replaced", bundle),
        trial("a_bundle_is_not_written_twice", same_bundle),
        trial("a_full_volume_keeps_its_set_and_fills_no_other", full),
        trial("a_full_foreign_tmpfs_keeps_its_set", full_of_inodes),
        trial("new_file_names_replace_the_old_ones", new_names),
        trial("the_largest_files_can_be_renewed", largest),
        trial("the_key_that_a_swap_left_is_taken_away", cut_short),
    ]
}

fn containers() {
    let node = Node::new();
    let volumes = node.volumes();
    let spec = node.spec("v");
    volumes.publish(&spec, &set("first")).unwrap();
    let container = node.root.join("container");
    fs::create_dir(&container).unwrap();
    bind(spec.target.as_path(), &container, MountFlags::RDONLY);
    let folder = rustix::fs::open(&container, OFlags::DIRECTORY, Mode::empty()).unwrap();
    let open = |name: &str| {
        File::from(rustix::fs::openat(&folder, name, OFlags::RDONLY, Mode::empty()).unwrap())
    };
    let read = |mut file: File| {
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        text
    };
    let opened_before = open("tls.crt");
    for word in ["second", "third"] {
        volumes.publish(&spec, &set(word)).unwrap();
        assert_eq!(view(&container), shown(word));
        assert_eq!(view(spec.target.as_path()), shown(word));
        assert_eq!(read(open("tls.key")), format!("{word} key"));
    }
    assert_eq!(read(opened_before), "first certificate");
    let refused = fs::write(container.join("..data/tls.crt"), "");
    assert_eq!(refused.unwrap_err().raw_os_error(), Some(30), "EROFS");
}

/// As Envoy reads: with inotify on the folder, and both files as soon as `..data` was moved there.
fn at_the_rename() {
    let node = Node::new();
    let volumes = node.volumes();
    let group = (!in_user_namespace()).then_some(1000);
    let spec = VolumeSpec {
        fs_group: group,
        ..node.spec("v")
    };
    volumes.publish(&spec, &set("first")).unwrap();
    let folder = spec.target.as_path();
    let notices = inotify::init(inotify::CreateFlags::CLOEXEC).unwrap();
    inotify::add_watch(&notices, folder, inotify::WatchFlags::MOVED_TO).unwrap();
    let (seen, all_seen) = mpsc::channel();
    thread::scope(|scope| {
        let (volumes, spec) = (&volumes, &spec);
        scope.spawn(move || {
            for word in 0..SWAPS {
                volumes.publish(spec, &set(&word.to_string())).unwrap();
                all_seen.recv().unwrap();
            }
        });
        // Dropped if this panics, which ends the other thread.
        let seen = seen;
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&notices, &mut buffer);
        for word in 0..SWAPS {
            let mut waits = [PollFd::new(&notices, PollFlags::IN)];
            assert_eq!(poll(&mut waits, Some(&LIMIT)), Ok(1), "swap {word}");
            let event = reader.next().unwrap();
            assert_eq!(event.file_name(), Some(c"..data"));
            for (name, what) in [("tls.crt", "certificate"), ("tls.key", "key")] {
                let file = folder.join(name);
                assert_eq!(fs::read_to_string(&file).unwrap(), format!("{word} {what}"));
                let facts = fs::metadata(&file).unwrap();
                let is_readable = |group| facts.gid() == group && facts.mode() & 0o040 != 0;
                assert!(group.is_none_or(is_readable), "{facts:?}");
            }
            seen.send(()).unwrap();
        }
    });
}

/// How long a notice may take.
const LIMIT: Timespec = Timespec {
    tv_sec: 30,
    tv_nsec: 0,
};
const SWAPS: usize = 1000;

fn no_mount_changes() {
    let node = Node::new();
    let volumes = node.volumes();
    let spec = node.spec("v");
    volumes.publish(&spec, &set("first")).unwrap();
    let before = format!("{:?}", table::below(&node.root));
    for word in ["second", "third"] {
        volumes.publish(&spec, &set(word)).unwrap();
        volumes.replace_bundle(&spec, word.as_bytes()).unwrap();
        assert_eq!(format!("{:?}", table::below(&node.root)), before);
    }
}

fn bundle() {
    let node = Node::new();
    let volumes = node.volumes();
    let spec = node.spec("v");
    let error = volumes.replace_bundle(&spec, b"new").unwrap_err();
    assert!(matches!(error, VolumeError::NotPublished { .. }), "{error}");
    for bundle in [None, Some(b"old bundle".to_vec())] {
        volumes
            .publish(
                &spec,
                &FileSet {
                    bundle,
                    ..set("first")
                },
            )
            .unwrap();
        volumes.replace_bundle(&spec, b"new").unwrap();
        let mut wanted = shown("first");
        wanted.insert("ca.crt".to_owned(), "new".to_owned());
        assert_eq!(view(spec.target.as_path()), wanted);
    }
}

fn same_bundle() {
    let node = Node::new();
    let volumes = node.volumes();
    let spec = node.spec("v");
    volumes.publish(&spec, &set("first")).unwrap();
    let data = || fs::read_link(spec.target.as_path().join("..data")).unwrap();
    let before = data();
    volumes.replace_bundle(&spec, b"first bundle").unwrap();
    assert_eq!(data(), before);
    volumes.replace_bundle(&spec, b"another bundle").unwrap();
    assert_ne!(data(), before);
}

fn full() {
    let node = Node::new();
    let volumes = node.volumes();
    let (spec, neighbour) = (node.spec("v"), node.spec("w"));
    volumes.publish(&spec, &set("first")).unwrap();
    // Somebody finds a way to write into the volume.
    let writable = node.root.join("writable");
    fs::create_dir(&writable).unwrap();
    bind(spec.target.as_path(), &writable, MountFlags::empty());
    let refused = fs::write(writable.join("filler"), vec![0; 64 * 1024 * 1024]);
    assert_eq!(refused.unwrap_err().raw_os_error(), Some(28), "ENOSPC");
    let names = |folder| fs::read_dir(folder).unwrap().count();
    let before = names(spec.target.as_path());

    let error = volumes.publish(&spec, &set("second")).unwrap_err();
    assert_eq!(
        error,
        VolumeError::NoSpace {
            path: spec.target.as_path().to_owned()
        }
    );
    let mut wanted = shown("first");
    let mut seen = view(spec.target.as_path());
    seen.remove("filler");
    assert_eq!(seen, wanted);
    assert_eq!(names(spec.target.as_path()), before);
    assert_eq!(
        volumes.read(&spec.target).unwrap().unwrap().key.as_slice(),
        b"first key"
    );

    volumes.publish(&neighbour, &set("neighbour")).unwrap();
    assert_eq!(view(neighbour.target.as_path()), shown("neighbour"));
    fs::remove_file(writable.join("filler")).unwrap();
    volumes.publish(&spec, &set("third")).unwrap();
    wanted = shown("third");
    assert_eq!(view(spec.target.as_path()), wanted);
}

fn full_of_inodes() {
    let node = Node::new();
    let volumes = node.volumes();
    let spec = node.spec("v");
    tmpfs(spec.target.as_path(), c"nr_inodes=12");
    volumes.publish(&spec, &set("first")).unwrap();
    assert_eq!(view(spec.target.as_path()), shown("first"));
    let error = volumes.publish(&spec, &set("second")).unwrap_err();
    assert!(matches!(error, VolumeError::NoSpace { .. }), "{error}");
    assert_eq!(view(spec.target.as_path()), shown("first"));
    // Three files, their folder, three links and `..data`: nothing half-written.
    assert_eq!(fs::read_dir(spec.target.as_path()).unwrap().count(), 5);
}

fn new_names() {
    let node = Node::new();
    let spec = node.spec("v");
    node.volumes().publish(&spec, &set("first")).unwrap();
    let writable = node.root.join("writable");
    fs::create_dir(&writable).unwrap();
    bind(spec.target.as_path(), &writable, MountFlags::empty());
    symlink("elsewhere", writable.join("of-somebody-else")).unwrap();

    let files = FileNames::new("svid.pem", "tls.key", "roots.pem").unwrap();
    let volumes = LinuxVolumes::open(VolumeOptions {
        files,
        ..options(&node.root)
    })
    .unwrap();
    assert!(volumes.is_mounted(&spec.target).unwrap());
    assert!(volumes.read(&spec.target).unwrap().is_none());
    let error = volumes.replace_bundle(&spec, b"new").unwrap_err();
    assert!(matches!(error, VolumeError::NotPublished { .. }), "{error}");
    volumes.publish(&spec, &set("second")).unwrap();
    let names: Vec<String> = view(spec.target.as_path()).into_keys().collect();
    assert_eq!(names, ["roots.pem", "svid.pem", "tls.key"]);
    assert!(volumes.read(&spec.target).unwrap().is_some());
    assert!(spec.target.as_path().join("of-somebody-else").is_symlink());
}

fn largest() {
    let node = Node::new();
    let volumes = node.volumes();
    let spec = node.spec("v");
    let largest = |byte: u8| FileSet {
        certificate: vec![byte; 1024 * 1024],
        key: vec![byte; 1024 * 1024].into(),
        bundle: Some(vec![byte; 1024 * 1024]),
    };
    for byte in 0..3 {
        volumes.publish(&spec, &largest(byte)).unwrap();
        let read = volumes.read(&spec.target).unwrap().unwrap();
        assert!(read.key.iter().all(|found| *found == byte) && read.key.len() == 1024 * 1024);
    }
    let larger = FileSet {
        certificate: vec![0; 1024 * 1024 + 1],
        ..set("x")
    };
    let error = volumes.publish(&spec, &larger).unwrap_err();
    assert!(matches!(error, VolumeError::FileTooLarge { .. }), "{error}");
}

/// As a process leaves a volume that is killed between the swap and what follows it.
fn cut_short() {
    let node = Node::new();
    let volumes = node.volumes();
    let spec = node.spec("v");
    volumes.publish(&spec, &set("first")).unwrap();
    let writable = node.root.join("writable");
    fs::create_dir(&writable).unwrap();
    bind(spec.target.as_path(), &writable, MountFlags::empty());
    let before = writable.join("..2020_01_01_00_00_00.000000000");
    fs::create_dir(&before).unwrap();
    fs::write(before.join("tls.key"), "an old key").unwrap();
    symlink("..data/svid.pem", writable.join("svid.pem")).unwrap();

    volumes.tidy(&spec).unwrap();

    assert_eq!(view(spec.target.as_path()), shown("first"));
    assert_eq!(fs::read_dir(spec.target.as_path()).unwrap().count(), 5);
    let mounts = format!("{:?}", table::below(&node.root));
    volumes.tidy(&spec).unwrap();
    assert_eq!(format!("{:?}", table::below(&node.root)), mounts);
    volumes.tidy(&node.spec("w")).unwrap();
}
