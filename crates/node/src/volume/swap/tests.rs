//! Swaps in a plain folder, stopped after every step.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::perform::perform;
use super::plan::{Inventory, Plan};
use super::*;
use crate::volume::VolumeError;
use crate::volume::folder::Folder;

type View = BTreeMap<String, String>;

fn set(text: &str, bundle: Option<&str>) -> FileSet {
    FileSet {
        certificate: format!("{text} certificate").into_bytes(),
        key: Zeroizing::new(format!("{text} key").into_bytes()),
        bundle: bundle.map(|bundle| format!("{text} {bundle}").into_bytes()),
    }
}

fn layout(names: &FileNames) -> Layout<'_> {
    // Without root we must still be able to write into our own folders.
    Layout {
        names,
        file_mode: 0o440,
        folder_mode: 0o750,
        group: None,
    }
}

fn folder(path: &Path) -> Folder {
    Folder::walk(path).unwrap().enter(".").unwrap()
}

fn second(count: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + count).unwrap()
}

/// What a pod finds if it opens every name it sees.
fn view(root: &Path) -> View {
    let mut view = View::new();
    for entry in fs::read_dir(root).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.starts_with("..")
            && let Ok(text) = fs::read_to_string(root.join(&name))
        {
            view.insert(name, text);
        }
    }
    view
}

fn wanted(names: &FileNames, set: &FileSet) -> View {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut view = View::from([
        (names.certificate().to_owned(), text(&set.certificate)),
        (names.key().to_owned(), text(&set.key)),
    ]);
    view.extend(
        set.bundle
            .as_ref()
            .map(|bundle| (names.bundle().to_owned(), text(bundle))),
    );
    view
}

fn names_in(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Nothing but the set: its folder, `..data` and the pod's names.
/// Removes what a swap left.
fn tidy(root: &Folder) -> Result<(), VolumeError> {
    remains(root)?
        .iter()
        .try_for_each(|name| root.discard(name))
}

fn assert_tidy(root: &Path, names: &FileNames, set: &FileSet) {
    let data = fs::read_link(root.join(DATA))
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let mut expected: Vec<String> = wanted(names, set).into_keys().collect();
    assert_eq!(names_in(&root.join(&data)), expected);
    expected.extend([DATA.to_owned(), data]);
    expected.sort();
    assert_eq!(names_in(root), expected);
    assert_eq!(view(root), wanted(names, set));
}

struct Case {
    title: &'static str,
    before: fn(&Path),
    old: Option<(FileNames, FileSet)>,
    new: (FileNames, FileSet),
}

fn cases() -> Vec<Case> {
    let usual = FileNames::default;
    let others = || FileNames::new("svid.pem", "tls.key", "bundle.pem").unwrap();
    let case = |title, before, old, new| Case {
        title,
        before,
        old,
        new,
    };
    vec![
        case(
            "the first set",
            |_| (),
            None,
            (usual(), set("new", Some("bundle"))),
        ),
        case(
            "a renewal",
            |_| (),
            Some((usual(), set("old", Some("bundle")))),
            (usual(), set("new", Some("bundle"))),
        ),
        case(
            "a bundle is added",
            |_| (),
            Some((usual(), set("old", None))),
            (usual(), set("new", Some("bundle"))),
        ),
        case(
            "the bundle is given up",
            |_| (),
            Some((usual(), set("old", Some("bundle")))),
            (usual(), set("new", None)),
        ),
        case(
            "other names",
            |_| (),
            Some((usual(), set("old", Some("bundle")))),
            (others(), set("new", Some("bundle"))),
        ),
        case(
            "a volume of the Go driver",
            go_volume,
            Some((usual(), set("old", Some("bundle")))),
            (usual(), set("new", Some("bundle"))),
        ),
        case(
            "what killed swaps left",
            debris,
            None,
            (usual(), set("new", None)),
        ),
        case(
            "names that are taken",
            taken,
            None,
            (usual(), set("new", Some("bundle"))),
        ),
    ]
}

fn go_volume(root: &Path) {
    let name = "..2026_01_02_03_04_05.000000006";
    fs::create_dir(root.join(name)).unwrap();
    for (file, text) in wanted(&FileNames::default(), &set("old", Some("bundle"))) {
        fs::write(root.join(name).join(&file), text).unwrap();
        symlink(format!("..data/{file}"), root.join(file)).unwrap();
    }
    symlink(name, root.join(DATA)).unwrap();
}

fn debris(root: &Path) {
    fs::create_dir_all(root.join("..2020_01_01_00_00_00.000000000/deep/deeper")).unwrap();
    fs::write(root.join("..2020_01_01_00_00_00.000000000/deep/file"), "x").unwrap();
    symlink("..2020_01_01_00_00_00.000000000", root.join(DATA_NEXT)).unwrap();
    symlink("..gone", root.join(DATA)).unwrap();
    fs::write(root.join("..file"), "x").unwrap();
}

fn taken(root: &Path) {
    fs::create_dir_all(root.join("tls.crt/folder")).unwrap();
    symlink("/etc/passwd", root.join("tls.key")).unwrap();
    fs::create_dir_all(root.join(DATA).join("folder")).unwrap();
}

fn prepare(case: &Case) -> tempfile::TempDir {
    let temporary = tempfile::tempdir().unwrap();
    (case.before)(temporary.path());
    if let (Some((names, set)), false) = (&case.old, temporary.path().join(DATA).exists()) {
        replace(&folder(temporary.path()), &layout(names), set, second(0)).unwrap();
    }
    temporary
}

#[test]
fn killed_after_any_step_a_swap_leaves_the_old_set_or_the_new_one() {
    for case in cases() {
        let (names, new) = &case.new;
        let mut stop = 0;
        loop {
            let temporary = prepare(&case);
            let root = folder(temporary.path());
            let layout = layout(names);
            let files = layout.files(new);
            let Plan {
                folder,
                before,
                after,
                ..
            } = Inventory::of(&root).unwrap().plan(&files, second(1));
            let swapped = before.len() <= stop;
            let steps: Vec<_> = before.iter().chain(&after).collect();
            for step in steps.iter().take(stop) {
                perform(&root, &layout, &folder, step).unwrap();
            }

            let seen = view(temporary.path());
            let expected = match &case.old {
                _ if swapped => wanted(names, new),
                Some((names, old)) => wanted(names, old),
                None => View::new(),
            };
            for (name, text) in &expected {
                assert_eq!(seen.get(name), Some(text), "{}: {stop}", case.title);
            }
            if case.old.is_some() {
                let strangers = seen.iter().find(|(name, _)| !expected.contains_key(*name));
                assert_eq!(strangers, None, "{}: {stop}", case.title);
            }

            if swapped {
                assert_eq!(
                    remains(&root).unwrap().is_empty(),
                    stop >= steps.len(),
                    "{}: {stop}",
                    case.title
                );
                tidy(&root).unwrap();
                assert_tidy(temporary.path(), names, new);
            } else if let Some((names, old)) = &case.old {
                tidy(&root).unwrap();
                assert_tidy(temporary.path(), names, old);
            }

            let last = set("last", Some("bundle"));
            replace(&root, &layout, &last, second(2)).unwrap();
            assert_tidy(temporary.path(), names, &last);
            if stop >= steps.len() {
                break;
            }
            stop += 1;
        }
        assert!(stop > 5, "{}", case.title);
    }
}

#[test]
fn a_whole_swap_leaves_nothing_but_the_new_set() {
    for case in cases() {
        let temporary = prepare(&case);
        let (names, new) = &case.new;
        let root = folder(temporary.path());
        replace(&root, &layout(names), new, second(1)).unwrap();
        assert_tidy(temporary.path(), names, new);
        let shown = read(&root, names).unwrap().unwrap();
        assert_eq!(
            (&shown.certificate, &shown.key),
            (&new.certificate, &new.key)
        );
        assert_eq!(shown.bundle, new.bundle);
    }
}

#[test]
fn two_swaps_within_one_tick_of_the_clock_do_not_collide() {
    let temporary = tempfile::tempdir().unwrap();
    let (root, names) = (folder(temporary.path()), FileNames::default());
    for text in ["one", "two", "three"] {
        replace(&root, &layout(&names), &set(text, None), second(0)).unwrap();
        assert_tidy(temporary.path(), &names, &set(text, None));
    }
}

#[test]
fn files_and_folders_get_the_modes_of_the_layout() {
    let temporary = tempfile::tempdir().unwrap();
    let (root, names) = (folder(temporary.path()), FileNames::default());
    let layout = Layout {
        file_mode: 0o444,
        folder_mode: 0o755,
        ..layout(&names)
    };
    replace(&root, &layout, &set("new", Some("bundle")), second(0)).unwrap();
    let mode = |name: &str| {
        fs::metadata(temporary.path().join(name))
            .unwrap()
            .permissions()
            .mode()
    };
    for (name, wanted) in [
        (".", 0o755),
        (DATA, 0o755),
        ("tls.crt", 0o444),
        ("tls.key", 0o444),
        ("ca.crt", 0o444),
    ] {
        assert_eq!(mode(name) & 0o7777, wanted, "{name}");
    }
}

#[test]
fn a_set_that_is_too_large_changes_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let (root, names) = (folder(temporary.path()), FileNames::default());
    replace(&root, &layout(&names), &set("old", None), second(0)).unwrap();
    let large = FileSet {
        bundle: Some(vec![b'x'; FILE_LIMIT + 1]),
        ..set("new", None)
    };
    let refused = replace(&root, &layout(&names), &large, second(1));
    assert_eq!(
        refused,
        Err(VolumeError::FileTooLarge {
            name: "ca.crt".into(),
            length: FILE_LIMIT + 1,
            limit: FILE_LIMIT
        })
    );
    assert_tidy(temporary.path(), &names, &set("old", None));
}

#[test]
fn a_step_that_fails_leaves_the_old_set_and_nothing_else() {
    let temporary = tempfile::tempdir().unwrap();
    let (root, names) = (folder(temporary.path()), FileNames::default());
    replace(&root, &layout(&names), &set("old", None), second(0)).unwrap();
    // A folder of 17 levels is deeper than a removal goes.
    fs::create_dir_all(temporary.path().join("ca.crt").join("x/".repeat(17))).unwrap();
    assert!(
        replace(
            &root,
            &layout(&names),
            &set("new", Some("bundle")),
            second(1)
        )
        .is_err()
    );
    fs::remove_dir_all(temporary.path().join("ca.crt")).unwrap();
    assert_tidy(temporary.path(), &names, &set("old", None));
}

#[test]
fn reading_never_leaves_the_volume_and_wants_certificate_and_key() {
    let outside = tempfile::tempdir().unwrap();
    for (file, text) in wanted(&FileNames::default(), &set("stolen", Some("bundle"))) {
        fs::write(outside.path().join(file), text).unwrap();
    }
    let beside = |root: &Path| {
        let folder = root.join("..2026");
        fs::create_dir_all(&folder).unwrap();
        symlink("..2026", root.join(DATA)).unwrap();
        fs::write(folder.join("tls.crt"), "certificate").unwrap();
        folder
    };
    type Tamper<'a> = &'a dyn Fn(&Path);
    let tamper: [(&str, Tamper<'_>); 9] = [
        ("nothing", &|_| ()),
        ("an absolute link", &|root| {
            symlink(outside.path(), root.join(DATA)).unwrap();
        }),
        ("a link upwards", &|root| {
            symlink("..", root.join(DATA)).unwrap();
        }),
        ("a link to itself", &|root| {
            symlink(DATA, root.join(DATA)).unwrap();
        }),
        ("a folder, not a link", &|root| {
            fs::create_dir(root.join(DATA)).unwrap();
        }),
        ("a link by way of a link", &|root| {
            symlink(outside.path(), root.join("..link")).unwrap();
            symlink("..link", root.join(DATA)).unwrap();
        }),
        ("no key", &|root| drop(beside(root))),
        ("a key that is a link", &|root| {
            symlink(outside.path().join("tls.key"), beside(root).join("tls.key")).unwrap();
        }),
        ("a key that is too large", &|root| {
            fs::write(beside(root).join("tls.key"), vec![0; FILE_LIMIT + 1]).unwrap();
        }),
    ];
    for (title, tamper) in tamper {
        let temporary = tempfile::tempdir().unwrap();
        tamper(temporary.path());
        let (root, names) = (folder(temporary.path()), FileNames::default());
        assert!(read(&root, &names).unwrap().is_none(), "{title}");
        replace(&root, &layout(&names), &set("new", None), second(0)).unwrap();
        assert_tidy(temporary.path(), &names, &set("new", None));
    }
    assert_eq!(names_in(outside.path()), ["ca.crt", "tls.crt", "tls.key"]);
}
