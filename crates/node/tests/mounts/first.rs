//! The first set of files.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::sync::atomic::{AtomicBool, Ordering};

use libtest_mimic::Trial;
use svid_node::spec::{TargetPath, VolumeId, VolumeSpec};
use svid_node::volume::{
    FileMode, LinuxVolumes, Obstacle, RootContext, Selinux, VolumeError, VolumeOptions, Volumes,
};

use crate::node::{DRIVER, Node, in_user_namespace, is_foreign, options, set, shown, tmpfs, view};
use crate::{table, trial};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        trial(
            "the_first_set_is_seen_whole_and_read_only",
            whole_and_read_only,
        ),
        trial(
            "a_volume_is_small_unswappable_and_names_its_driver",
            small_and_named,
        ),
        trial("a_target_is_never_seen_without_its_files", never_empty),
        trial("files_belong_to_root_and_to_the_group", group),
        trial("files_can_be_made_readable_for_others", others),
        trial("what_is_in_the_way_at_a_target_is_left_alone", obstacles),
        trial("an_empty_folder_at_the_target_is_taken", empty_folder),
        trial(
            "links_above_the_pods_folder_are_followed_and_none_below",
            links,
        ),
        trial("volumes_can_be_published_at_one_time", at_one_time),
        trial(
            "a_selinux_context_that_is_refused_is_left_out_or_ends_the_start",
            context,
        ),
    ]
}

fn whole_and_read_only() {
    let node = Node::new();
    let volumes = node.volumes();
    let spec = node.spec("v");
    let target = spec.target.as_path();
    assert!(!volumes.is_mounted(&spec.target).unwrap());
    assert!(volumes.read(&spec.target).unwrap().is_none());
    volumes.publish(&spec, &set("first")).unwrap();

    assert_eq!(view(target), shown("first"));
    assert!(volumes.is_mounted(&spec.target).unwrap());
    let read = volumes.read(&spec.target).unwrap().unwrap();
    assert_eq!(read.certificate, b"first certificate");
    assert_eq!(read.key.as_slice(), b"first key");
    assert_eq!(read.bundle.as_deref(), Some(b"first bundle".as_slice()));

    let mounts = table::at(target);
    assert_eq!(mounts.len(), 1, "{mounts:?}");
    for option in ["ro", "nosuid", "nodev", "noexec"] {
        assert!(
            mounts[0].options.iter().any(|found| found == option),
            "{option}: {mounts:?}"
        );
    }
    let written = fs::write(target.join("new"), "");
    assert_eq!(written.unwrap_err().raw_os_error(), Some(30), "EROFS");
    let modes = [
        (".", 0o550),
        ("..data", 0o550),
        ("tls.crt", 0o440),
        ("tls.key", 0o440),
    ];
    for (name, mode) in modes {
        assert_eq!(
            fs::metadata(target.join(name)).unwrap().mode() & 0o7777,
            mode,
            "{name}"
        );
    }
    // Nothing but the target and the empty scratch file system is left.
    assert_eq!(table::below(&node.root).len(), 2);
    let scratch = node.root.join("data").join(DRIVER).join("scratch");
    assert_eq!(fs::read_dir(scratch).unwrap().count(), 0);
}

fn small_and_named() {
    let node = Node::new();
    let volume = VolumeId::parse("csi-1 #2").unwrap();
    let spec = VolumeSpec {
        volume,
        ..node.spec("v")
    };
    node.volumes().publish(&spec, &set("first")).unwrap();
    let mounts = table::below(&node.root.join("pods"));
    assert_eq!(mounts.len(), 1, "{mounts:?}");
    assert_eq!(mounts[0].file_system, "tmpfs");
    assert_eq!(mounts[0].source, format!("{DRIVER}:csi-1\\040\\0432"));
    let has = |option: &str| mounts[0].super_options.iter().any(|found| found == option);
    assert!(has("size=8192k") && has("nr_inodes=64"), "{mounts:?}");
    assert_eq!(
        has("noswap"),
        !in_user_namespace() && kernel_has_noswap(),
        "{mounts:?}"
    );
}

/// Since Linux 6.4.
fn kernel_has_noswap() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release
        .split(['.', '-', '\n'])
        .map_while(|number| number.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(6), Some(4))
}

fn never_empty() {
    let node = Node::new();
    let volumes = node.volumes();
    let specs: Vec<VolumeSpec> = (0..20)
        .map(|count| node.spec(&format!("v{count}")))
        .collect();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut looks = 0;
            loop {
                let is_last = done.load(Ordering::Acquire);
                for spec in &specs {
                    if table::at(spec.target.as_path()).len() == 1 {
                        assert_eq!(view(spec.target.as_path()), shown("first"));
                        looks += 1;
                    }
                }
                if is_last {
                    return looks;
                }
            }
        });
        // Also when a publish fails, or the watcher would watch for ever.
        let finished = SetWhenDropped(&done);
        for spec in &specs {
            volumes.publish(spec, &set("first")).unwrap();
        }
        drop(finished);
        assert!(watcher.join().unwrap() >= specs.len());
    });
}

struct SetWhenDropped<'a>(&'a AtomicBool);

impl Drop for SetWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

fn group() {
    let node = Node::new();
    let volumes = node.volumes();
    let spec = VolumeSpec {
        fs_group: Some(4_200_000_000),
        ..node.spec("v")
    };
    let target = spec.target.as_path();
    let published = volumes.publish(&spec, &set("first"));
    if in_user_namespace() {
        let error = published.unwrap_err();
        assert!(
            matches!(
                error,
                VolumeError::Group {
                    group: 4_200_000_000,
                    ..
                }
            ),
            "{error}"
        );
        assert!(
            error.to_string().contains(target.to_str().unwrap()),
            "{error}"
        );
        assert!(!target.exists());
        assert_eq!(table::below(&node.root).len(), 1);
        return;
    }
    published.unwrap();
    volumes.publish(&spec, &set("second")).unwrap();
    for name in [".", "..data", "tls.crt", "tls.key", "ca.crt"] {
        let metadata = fs::metadata(target.join(name)).unwrap();
        assert_eq!(
            (metadata.uid(), metadata.gid()),
            (0, 4_200_000_000),
            "{name}"
        );
    }
}

fn others() {
    let node = Node::new();
    let volumes = LinuxVolumes::open(VolumeOptions {
        file_mode: FileMode::parse("0444").unwrap(),
        ..options(&node.root)
    });
    let spec = node.spec("v");
    volumes.unwrap().publish(&spec, &set("first")).unwrap();
    for (name, mode) in [
        (".", 0o555),
        ("..data", 0o555),
        ("tls.crt", 0o444),
        ("tls.key", 0o444),
    ] {
        let metadata = fs::metadata(spec.target.as_path().join(name)).unwrap();
        assert_eq!(metadata.mode() & 0o7777, mode, "{name}");
    }
}

fn obstacles() {
    let node = Node::new();
    let volumes = node.volumes();
    let elsewhere = node.root.join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let blocked = |spec: &VolumeSpec| {
        let error = volumes.publish(spec, &set("first")).unwrap_err();
        let VolumeError::TargetBlocked { path, obstacle } = error else {
            panic!("{error}")
        };
        assert_eq!(path, spec.target.as_path());
        obstacle
    };

    for spec in [node.spec("a"), node.plain_spec("a")] {
        fs::create_dir(spec.target.as_path()).unwrap();
        fs::write(spec.target.as_path().join("precious"), "").unwrap();
        assert_eq!(blocked(&spec), Obstacle::NonEmptyFolder);
        assert!(spec.target.as_path().join("precious").exists());
    }
    for spec in [node.spec("b"), node.plain_spec("b")] {
        symlink(&elsewhere, spec.target.as_path()).unwrap();
        assert_eq!(blocked(&spec), Obstacle::NotFolder);
    }
    for spec in [node.spec("c"), node.plain_spec("c")] {
        fs::write(spec.target.as_path(), "precious").unwrap();
        assert_eq!(blocked(&spec), Obstacle::NotFolder);
        assert_eq!(fs::read(spec.target.as_path()).unwrap(), b"precious");
    }
    for spec in [node.spec("d"), node.plain_spec("d")] {
        fs::create_dir(spec.target.as_path()).unwrap();
        rustix::mount::mount_bind(&elsewhere, spec.target.as_path()).unwrap();
        assert!(is_foreign(
            &volumes.publish(&spec, &set("first")).unwrap_err()
        ));
        assert!(!volumes.is_mounted(&spec.target).unwrap());
        assert!(volumes.read(&spec.target).unwrap().is_none());
        assert_eq!(table::at(spec.target.as_path()).len(), 1);
    }
    // A tmpfs that does not name us, where others may mount too.
    let spec = node.plain_spec("e");
    tmpfs(spec.target.as_path(), c"size=64k");
    assert!(is_foreign(
        &volumes.publish(&spec, &set("first")).unwrap_err()
    ));
    // Another volume of ours.
    let first = node.plain_spec("f");
    volumes.publish(&first, &set("first")).unwrap();
    let second = VolumeSpec {
        target: first.target.clone(),
        ..node.plain_spec("g")
    };
    assert!(is_foreign(
        &volumes.publish(&second, &set("second")).unwrap_err()
    ));
    assert_eq!(view(first.target.as_path()), shown("first"));

    let missing = node.plain_spec("missing");
    let target = TargetPath::parse(missing.target.as_path().join("x").to_str().unwrap()).unwrap();
    let error = volumes
        .publish(&VolumeSpec { target, ..missing }, &set("first"))
        .unwrap_err();
    assert!(matches!(error, VolumeError::Refused { .. }), "{error}");
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

fn empty_folder() {
    let node = Node::new();
    let spec = node.spec("v");
    fs::create_dir(spec.target.as_path()).unwrap();
    node.volumes().publish(&spec, &set("first")).unwrap();
    assert_eq!(view(spec.target.as_path()), shown("first"));
}

fn links() {
    let node = Node::new();
    let volumes = node.volumes();
    let spec = node.spec("v");
    let link = node.root.join("kubelet");
    symlink(&node.root, &link).unwrap();
    let below = spec.target.as_path().strip_prefix(&node.root).unwrap();
    let target = TargetPath::parse(link.join(below).to_str().unwrap()).unwrap();
    let linked = VolumeSpec {
        target,
        ..spec.clone()
    };
    volumes.publish(&linked, &set("first")).unwrap();
    assert!(
        volumes.is_mounted(&spec.target).unwrap() && volumes.is_mounted(&linked.target).unwrap()
    );
    volumes.publish(&spec, &set("second")).unwrap();
    assert_eq!(table::at(spec.target.as_path()).len(), 1);
    volumes.remove(&linked.volume, &linked.target).unwrap();
    assert!(!spec.target.as_path().exists());

    let other = node.spec("w");
    let pods = node.root.join("pods");
    fs::rename(pods.join("uid-w"), node.root.join("moved")).unwrap();
    symlink(node.root.join("moved"), pods.join("uid-w")).unwrap();
    let error = volumes.publish(&other, &set("first")).unwrap_err();
    assert!(
        matches!(error, VolumeError::TargetBlocked { .. }),
        "{error}"
    );
    assert!(!other.target.as_path().exists());
}

fn at_one_time() {
    let node = Node::new();
    let volumes = node.volumes();
    let specs: Vec<VolumeSpec> = (0..16)
        .map(|count| node.spec(&format!("v{count}")))
        .collect();
    for word in ["first", "second"] {
        std::thread::scope(|scope| {
            for spec in &specs {
                scope.spawn(|| volumes.publish(spec, &set(word)).unwrap());
            }
        });
        for spec in &specs {
            assert_eq!(view(spec.target.as_path()), shown(word));
        }
    }
    std::thread::scope(|scope| {
        for spec in &specs {
            scope.spawn(|| volumes.remove(&spec.volume, &spec.target).unwrap());
        }
    });
    assert_eq!(table::below(&node.root).len(), 1);
}

/// Without SELinux tmpfs does not know the option, so it refuses every context, as a policy refuses
/// one that it does not know.
fn context() {
    let opened = |node: &Node, selinux| {
        let context = RootContext::parse("system_u:object_r:no_such_type_t:s0:c1,c2");
        LinuxVolumes::open(VolumeOptions {
            root_context: context.ok(),
            selinux,
            ..options(&node.root)
        })
    };
    for selinux in [Selinux::Absent, Selinux::Permissive] {
        let node = Node::new();
        let volumes = opened(&node, selinux).unwrap();
        let spec = node.spec("v");
        volumes.publish(&spec, &set("first")).unwrap();
        assert_eq!(view(spec.target.as_path()), shown("first"), "{selinux:?}");
    }
    let node = Node::new();
    let error = opened(&node, Selinux::Enforcing).unwrap_err();
    assert!(
        matches!(error, VolumeError::ContextRefused { .. }),
        "{error}"
    );
    assert_eq!(table::below(&node.root).len(), 0, "nothing stays mounted");
}
