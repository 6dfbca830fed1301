//! Records written, read back, and damaged in every way.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use svid_core::identity::ServiceAccount;

use super::record::RequestNames;
use super::store::{BROKEN_LIMIT, LIMIT};
use super::*;
use crate::spec::{Pod, TargetPath, VolumeId, VolumeSpec};
use crate::volume::folder::Folder;
use crate::volume::{FoundRecord, Record, RecordState, VolumeError};

fn record(volume: &str, target: &str) -> Record {
    Record {
        spec: VolumeSpec {
            volume: VolumeId::parse(volume).unwrap(),
            target: TargetPath::parse(target).unwrap(),
            pod: Pod {
                name: "web-0".into(),
                uid: "u-1".into(),
            },
            service_account: ServiceAccount::new("shop", "web").unwrap(),
            fs_group: Some(u32::MAX),
        },
        going: false,
        obtained: None,
        requests: RequestNames {
            in_flight: Some("a.b-1".into()),
            issued: None,
            obsolete: vec!["x".into(), "y".into()],
            doubtful: vec!["x".into()],
        },
    }
}

fn open(root: &Path, boot_id: &str) -> RecordStore {
    let base = Folder::walk(root).unwrap().enter(".").unwrap();
    RecordStore::open(&base, boot_id.to_owned()).unwrap()
}

fn path_of(root: &Path, volume: &str) -> PathBuf {
    root.join("volumes")
        .join(format!("{}.json", hash(volume.as_bytes())))
}

fn names_in(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root.join("volumes")).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_record_is_read_back_as_it_was_written() {
    let temporary = tempfile::tempdir().unwrap();
    let store = open(temporary.path(), "boot");
    let first = record("csi-1", "/tmp/target");
    store.save(&first).unwrap();
    let changed = Record {
        going: true,
        obtained: Some(Timestamp::new(1_800_000_000, 5).unwrap()),
        requests: RequestNames {
            in_flight: None,
            issued: Some("i".into()),
            ..first.requests.clone()
        },
        ..first.clone()
    };
    store.save(&changed).unwrap();
    let plain = VolumeSpec {
        fs_group: None,
        ..record("..odd name \u{fc}", "/t").target_at("/a b")
    };
    let second = Record {
        spec: plain,
        requests: RequestNames {
            obsolete: Vec::new(),
            doubtful: Vec::new(),
            ..first.requests
        },
        ..first
    };
    store.save(&second).unwrap();

    let mut found = open(temporary.path(), "boot").load().unwrap();
    found.sort_by_key(|found| found.record.spec.volume.clone());
    let record_state = RecordState::Current;
    assert_eq!(
        found,
        [
            FoundRecord {
                record: second,
                record_state
            },
            FoundRecord {
                record: changed.clone(),
                record_state
            }
        ]
    );
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(path_of(temporary.path(), "csi-1")), 0o600);
    assert_eq!(mode(temporary.path().join("volumes")), 0o700);

    for _ in 0..2 {
        store.forget(&changed.spec.volume).unwrap();
    }
    assert_eq!(store.load().unwrap().len(), 1);
    assert_eq!(names_in(temporary.path()).len(), 1);
}

#[test]
fn a_record_has_the_form_that_other_versions_read() {
    let temporary = tempfile::tempdir().unwrap();
    let mut record = record("csi-1", "/tmp/target");
    record.complete(Timestamp::from_second(1_800_000_000).unwrap());
    record.begin("b-2".to_owned());
    open(temporary.path(), "boot").save(&record).unwrap();
    let text = fs::read_to_string(path_of(temporary.path(), "csi-1")).unwrap();
    let wanted = r#"{
  "version": 1,
  "boot_id": "boot",
  "volume": "csi-1",
  "target": "/tmp/target",
  "pod": {
    "name": "web-0",
    "uid": "u-1"
  },
  "namespace": "shop",
  "service_account": "web",
  "fs_group": 4294967295,
  "going": false,
  "obtained": "2027-01-15T08:00:00Z",
  "in_flight": "b-2",
  "issued": "a.b-1",
  "obsolete": [
    "x",
    "y"
  ],
  "doubtful": [
    "x"
  ]
}"#;
    assert_eq!(text, wanted);
}

trait TargetAt {
    fn target_at(&self, target: &str) -> VolumeSpec;
}

impl TargetAt for Record {
    fn target_at(&self, target: &str) -> VolumeSpec {
        VolumeSpec {
            target: TargetPath::parse(target).unwrap(),
            ..self.spec.clone()
        }
    }
}

#[test]
fn a_record_says_whether_its_volume_can_still_be_wanted() {
    let temporary = tempfile::tempdir().unwrap();
    let pods = temporary.path().join("pods");
    fs::create_dir_all(pods.join("here")).unwrap();
    let kubelet = |pods: &Path, uid: &str| {
        format!(
            "{}/{uid}/volumes/kubernetes.io~csi/spiffe/mount",
            pods.display()
        )
    };
    let elsewhere = temporary.path().join("not mounted/pods");
    for (target, boot_id, wanted) in [
        (kubelet(&pods, "here"), "boot", RecordState::Current),
        (kubelet(&pods, "gone"), "boot", RecordState::PodGone),
        (kubelet(&elsewhere, "gone"), "boot", RecordState::Current),
        (
            "/no/pod/of/the/kubelet".to_owned(),
            "boot",
            RecordState::Current,
        ),
        (kubelet(&pods, "here"), "another", RecordState::OtherBoot),
        (kubelet(&pods, "gone"), "another", RecordState::OtherBoot),
    ] {
        let root = tempfile::tempdir().unwrap();
        open(root.path(), boot_id)
            .save(&record("v", &target))
            .unwrap();
        let found = open(root.path(), "boot").load().unwrap();
        assert_eq!(
            found.first().unwrap().record_state,
            wanted,
            "{target} {boot_id}"
        );
    }
}

#[test]
fn what_is_no_record_is_set_aside_and_hides_no_other() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    let store = open(root, "boot");
    store.save(&record("good", "/t")).unwrap();
    let good = fs::read_to_string(path_of(root, "good")).unwrap();
    let with = |from: &str, to: &str| {
        let changed = good.replace(from, to).replace("\"good\"", "\"bad\"");
        assert_ne!(changed, good.replace("\"good\"", "\"bad\""), "{from}");
        changed.into_bytes()
    };
    let damaged: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("cut short", good.as_bytes()[..good.len() / 2].to_vec()),
        ("no JSON", b"\xff\xfe{".to_vec()),
        ("another JSON", b"[1]".to_vec()),
        ("nested deep", "[".repeat(10_000).into_bytes()),
        ("no version", with("\"version\"", "\"versions\"")),
        ("a later version", with("\"version\": 1", "\"version\": 2")),
        ("the record of another volume", good.clone().into_bytes()),
        ("a relative target", with("\"/t\"", "\"t\"")),
        (
            "a target that leads elsewhere",
            with("\"/t\"", "\"/t/../etc\""),
        ),
        ("a pod's name that is a path", with("\"web-0\"", "\"../x\"")),
        ("a pod's UID that is a path", with("\"u-1\"", "\"u/1\"")),
        ("a namespace that is none", with("\"shop\"", "\"a/b\"")),
        ("a service account that is none", with("\"web\"", "\"\"")),
        ("group 0", with("4294967295", "0")),
        ("a group that is none", with("4294967295", "4294967296")),
        ("a request that is a path", with("\"a.b-1\"", "\"../a\"")),
        ("a request without a name", with("\"y\"", "\"\"")),
        ("a request with a query", with("\"y\"", "\"y?force=true\"")),
        ("too large", [good.as_bytes(), &vec![b' '; LIMIT]].concat()),
    ];
    for (title, bytes) in damaged {
        fs::write(path_of(root, "bad"), bytes).unwrap();
        let found = store.load().unwrap();
        assert_eq!(found.len(), 1, "{title}");
        assert!(!path_of(root, "bad").exists(), "{title}");
        assert_eq!(names_in(root).len(), 2, "{title}: {:?}", names_in(root));
    }
    // Valid except that its volume id is spelt differently.
    fs::write(path_of(root, "bad"), good.replace("\"good\"", "\"bad\"")).unwrap();
    assert_eq!(store.load().unwrap().len(), 2);
}

#[test]
fn what_is_no_plain_file_is_neither_followed_nor_kept() {
    let outside = tempfile::tempdir().unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    open(outside.path(), "boot")
        .save(&record("v", "/t"))
        .unwrap();
    let store = open(root, "boot");
    symlink(path_of(outside.path(), "v"), path_of(root, "v")).unwrap();
    fs::create_dir_all(path_of(root, "folder").join("x")).unwrap();
    fs::write(root.join("volumes").join("x".repeat(255)), "").unwrap();
    fs::write(root.join("volumes/notes.txt"), "").unwrap();
    assert_eq!(store.load().unwrap(), []);
    assert!(
        names_in(root).iter().all(|name| name.ends_with(".broken")),
        "{:?}",
        names_in(root)
    );
    assert_eq!(names_in(root).len(), 4);
    assert_eq!(open(outside.path(), "boot").load().unwrap().len(), 1);

    // A record replaces a link without writing through it.
    symlink(outside.path().join("new"), path_of(root, "w")).unwrap();
    symlink(outside.path().join("new"), path_of(root, "w.unfinished")).unwrap();
    store.save(&record("w", "/t")).unwrap();
    assert!(!outside.path().join("new").exists());
    assert!(path_of(root, "w").symlink_metadata().unwrap().is_file());
}

#[test]
fn only_so_many_broken_records_are_kept() {
    let temporary = tempfile::tempdir().unwrap();
    let store = open(temporary.path(), "boot");
    for turn in 0..3 {
        for count in 0..BROKEN_LIMIT {
            let name = format!("garbage-{turn}-{count}");
            fs::write(temporary.path().join("volumes").join(name), "").unwrap();
        }
        assert_eq!(store.load().unwrap(), []);
        assert_eq!(names_in(temporary.path()).len(), BROKEN_LIMIT);
    }
}

#[test]
fn what_a_killed_process_was_writing_is_removed_and_the_old_record_stays() {
    let temporary = tempfile::tempdir().unwrap();
    let store = open(temporary.path(), "boot");
    store.save(&record("v", "/t")).unwrap();
    let mut unfinished = path_of(temporary.path(), "v").into_os_string();
    unfinished.push(".unfinished");
    fs::write(&unfinished, "{\"ver").unwrap();
    store.save(&record("v", "/t")).unwrap();
    fs::write(&unfinished, "{\"ver").unwrap();
    assert_eq!(store.load().unwrap().len(), 1);
    let found = open(temporary.path(), "boot").load().unwrap();
    assert_eq!(found.first().unwrap().record, record("v", "/t"));
    assert_eq!(names_in(temporary.path()).len(), 1);
}

#[test]
fn a_record_that_could_not_be_read_back_is_not_written() {
    let temporary = tempfile::tempdir().unwrap();
    let store = open(temporary.path(), "boot");
    store.save(&record("v", "/t")).unwrap();
    let mut large = record("v", "/t");
    large.requests.obsolete = vec!["x".repeat(250); 300];
    assert!(matches!(
        store.save(&large),
        Err(VolumeError::RecordTooLarge { .. })
    ));
    assert_eq!(
        store.load().unwrap().first().unwrap().record,
        record("v", "/t")
    );
}
