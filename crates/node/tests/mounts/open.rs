//! Opening the data folder, and the records in it.

use std::fs;
use std::os::unix::fs::MetadataExt;

use libtest_mimic::Trial;
use rustix::mount::{MountFlags, UnmountFlags};
use svid_node::volume::{
    FoundRecord, LinuxVolumes, Record, RecordState, VolumeError, VolumeOptions, Volumes,
};

use crate::node::{DRIVER, Node, bind, options, set, shown, tmpfs, view};
use crate::{table, trial};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        trial(
            "what_a_killed_process_left_mounted_is_taken_away",
            leftovers,
        ),
        trial(
            "a_scratch_mount_that_is_in_the_way_of_one_volume_is_taken_away",
            one_leftover,
        ),
        trial("a_data_root_that_is_relative_is_refused", relative_root),
        trial("one_process_uses_a_data_folder_at_a_time", in_use),
        trial("records_are_found_again_and_garbage_is_set_aside", records),
        trial(
            "a_data_folder_that_is_taken_away_is_made_anew_with_its_records",
            taken_away,
        ),
        trial(
            "a_data_root_that_is_taken_away_below_its_mount_ends_the_process",
            root_gone,
        ),
        trial(
            "on_a_disk_that_became_read_only_the_volumes_that_are_there_go_on",
            read_only,
        ),
    ]
}

fn leftovers() {
    let node = Node::new();
    let scratch = node.root.join("data").join(DRIVER).join("scratch");
    drop(node.volumes());
    for _ in 0..3 {
        tmpfs(&scratch, c"size=1m");
        let half_made = scratch.join("0123/mount");
        tmpfs(&half_made, c"size=1m");
        fs::write(half_made.join("tls.key"), "secret").unwrap();
    }
    let volumes = node.volumes();
    let mounts = table::below(&scratch);
    assert_eq!(mounts.len(), 1, "{mounts:?}");
    assert_eq!(
        (&*mounts[0].file_system, &*mounts[0].source),
        ("tmpfs", DRIVER)
    );
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0);
    assert_eq!(fs::metadata(&scratch).unwrap().mode() & 0o7777, 0o700);
    for option in ["nosuid", "nodev", "noexec"] {
        assert!(
            mounts[0].options.iter().any(|found| found == option),
            "{option}"
        );
    }
    drop(volumes);
}

fn one_leftover() {
    let node = Node::new();
    let volumes = node.volumes();
    let spec = node.spec("v");
    volumes.publish(&spec, &set("first")).unwrap();
    // The SHA-256 of `v`.
    let name = "4c94485e0c21ae6c41ce1dfe7b6bfaceea5ab68e40a2476f50208e526f506080";
    let place = node
        .root
        .join("data")
        .join(DRIVER)
        .join("scratch")
        .join(name)
        .join("mount");
    for _ in 0..2 {
        fs::create_dir_all(&place).unwrap();
        rustix::mount::mount_bind(spec.target.as_path(), &place).unwrap();
    }
    volumes.publish(&spec, &set("second")).unwrap();
    assert_eq!(view(spec.target.as_path()), shown("second"));
    assert_eq!(table::below(&node.root).len(), 2);
}

fn relative_root() {
    let node = Node::new();
    let error = LinuxVolumes::open(VolumeOptions {
        data_root: "data".into(),
        ..options(&node.root)
    })
    .unwrap_err();
    assert!(matches!(error, VolumeError::DataFolder { .. }), "{error}");
    assert_eq!(table::below(&node.root).len(), 0);
}

fn in_use() {
    let node = Node::new();
    let volumes = node.volumes();
    let error = LinuxVolumes::open(options(&node.root)).unwrap_err();
    assert!(
        matches!(error, VolumeError::DataFolderInUse { .. }),
        "{error}"
    );
    // It went without touching the scratch file system of the first.
    let spec = node.spec("v");
    volumes.publish(&spec, &set("first")).unwrap();
    assert_eq!(view(spec.target.as_path()), shown("first"));
}

fn records() {
    let node = Node::new();
    let record = |volume: &str| {
        let mut record = Record::new(node.spec(volume));
        record.begin("request".to_owned());
        record.complete(jiff::Timestamp::UNIX_EPOCH);
        record
    };
    let volumes = node.volumes();
    assert_eq!(volumes.records().unwrap(), []);
    for volume in ["a", "b", "c"] {
        volumes.save(&record(volume)).unwrap();
    }
    drop(volumes);
    fs::write(
        node.root
            .join("data")
            .join(DRIVER)
            .join("volumes/garbage.json"),
        "{",
    )
    .unwrap();
    fs::remove_dir_all(node.root.join("pods/uid-b")).unwrap();

    let volumes = node.volumes();
    let mut found = volumes.records().unwrap();
    found.sort_by_key(|found| found.record.spec().volume.clone());
    let wanted = |volume, record_state| FoundRecord {
        record: record(volume),
        record_state,
    };
    let b = wanted("b", RecordState::PodGone);
    assert_eq!(
        found,
        [
            wanted("a", RecordState::Current),
            b.clone(),
            wanted("c", RecordState::Current)
        ]
    );
    volumes.forget(&b.record.spec().volume).unwrap();
    drop(volumes);

    let boot_id = Some("another".to_owned());
    let volumes = LinuxVolumes::open(VolumeOptions {
        boot_id,
        ..options(&node.root)
    })
    .unwrap();
    let standings: Vec<RecordState> = volumes
        .records()
        .unwrap()
        .iter()
        .map(|found| found.record_state)
        .collect();
    assert_eq!(standings, [RecordState::OtherBoot; 2]);
}

fn read_only() {
    let node = Node::new();
    let spec = node.spec("v");
    let volumes = node.volumes();
    volumes.save(&Record::new(spec.clone())).unwrap();
    volumes.publish(&spec, &set("first")).unwrap();
    drop(volumes);
    let data = node.root.join("data");
    bind(&data, &data, MountFlags::RDONLY);

    let volumes = node.volumes();
    let found = volumes.records().unwrap();
    assert_eq!(found.len(), 1);
    volumes.publish(&spec, &set("second")).unwrap();
    assert_eq!(view(spec.target.as_path()), shown("second"));
    let error = volumes.save(&Record::new(node.spec("w"))).unwrap_err();
    assert!(matches!(error, VolumeError::Refused { .. }), "{error}");
    volumes.remove(&spec.volume, &spec.target).unwrap();
    assert!(!spec.target.as_path().exists());
    // The pod ends, whatever becomes of the record.
    volumes.forget(&spec.volume).unwrap();
    volumes.forget(&node.spec("w").volume).unwrap();
}

/// In a container the data root is a mount of the node's folder, and a new one appears only to a
/// process that is started again.
fn root_gone() {
    let node = Node::new();
    let data = node.root.join("data");
    let on_the_node = node.root.join("on-the-node");
    fs::create_dir_all(&data).unwrap();
    fs::create_dir(&on_the_node).unwrap();
    bind(&on_the_node, &data, MountFlags::empty());
    let volumes = node.volumes();
    let spec = node.spec("v");
    volumes.save(&Record::new(spec.clone())).unwrap();
    assert!(!volumes.lost().is_cancelled());
    let scratch = data.join(DRIVER).join("scratch");
    rustix::mount::unmount(&scratch, UnmountFlags::DETACH).unwrap();
    fs::remove_dir_all(&on_the_node).unwrap();

    let error = volumes.publish(&spec, &set("first")).unwrap_err();
    assert!(matches!(error, VolumeError::DataRootGone { .. }), "{error}");
    assert!(volumes.lost().is_cancelled());
}

/// As a clean-up on the node does: the mount in the folder goes with it.
fn taken_away() {
    let node = Node::new();
    let volumes = node.volumes();
    let data = node.root.join("data");
    let ours = data.join(DRIVER);
    let scratch = ours.join("scratch");
    let remove_all = || {
        rustix::mount::unmount(&scratch, UnmountFlags::DETACH).unwrap();
        fs::remove_dir_all(&data).unwrap();
    };
    let remove_records = || fs::remove_dir_all(ours.join("volumes")).unwrap();
    let remove_scratch = || rustix::mount::unmount(&scratch, UnmountFlags::DETACH).unwrap();
    let take_away: [&dyn Fn(); 3] = [&remove_all, &remove_records, &remove_scratch];
    let spec = node.spec("v");
    volumes.save(&Record::new(spec.clone())).unwrap();
    volumes.save(&Record::new(node.spec("gone"))).unwrap();
    volumes.forget(&node.spec("gone").volume).unwrap();
    volumes.publish(&spec, &set("first")).unwrap();
    for (n, take_away) in take_away.iter().enumerate() {
        take_away();

        let renewed = format!("renewal {n}");
        volumes.publish(&spec, &set(&renewed)).unwrap();
        assert_eq!(view(spec.target.as_path()), shown(&renewed));
        assert_eq!(volumes.records().unwrap().len(), 1, "{n}");
        assert_eq!(table::at(&scratch).len(), 1, "{n}");
        let error = LinuxVolumes::open(options(&node.root)).unwrap_err();
        let is_in_use = matches!(error, VolumeError::DataFolderInUse { .. });
        assert!(is_in_use, "the new one is locked: {error}");
    }
    take_away[0]();
    let another = node.spec("w");
    volumes.save(&Record::new(another.clone())).unwrap();
    volumes.publish(&another, &set("first")).unwrap();
    drop(volumes);
    assert_eq!(table::below(&data).len(), 0);
    assert_eq!(node.volumes().records().unwrap().len(), 2);
}
