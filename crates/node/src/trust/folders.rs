//! Which folders to watch so that every change of what a path leads to is noticed.
//!
//! Reads links, never contents. A mounted ConfigMap is a link in the folder, `ca.crt` to
//! `..data/ca.crt`, and `..data` is itself a link that is replaced: nothing ever happens to the
//! file. So the folder of each link in the chain is watched, and the file's own.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The folders in which something must change before `path` leads to something else: of the file,
/// of every link on the way and, if a part does not exist, of the nearest that does.
pub(super) fn to_watch(path: &Path) -> BTreeSet<PathBuf> {
    let mut folders = BTreeSet::new();
    let mut at = PathBuf::from("/");
    let mut ahead: Vec<PathStep> = steps(path);
    let mut links = 0;
    while let Some(step) = ahead.pop() {
        let name = match step {
            PathStep::Root => {
                at = PathBuf::from("/");
                continue;
            }
            PathStep::Up => {
                at.pop();
                continue;
            }
            PathStep::Down(name) => name,
        };
        let next = at.join(&name);
        match fs::symlink_metadata(&next) {
            Ok(found) if found.is_symlink() => {
                folders.insert(at.clone());
                links += 1;
                let Ok(leads_to) = fs::read_link(&next) else {
                    break;
                };
                if links > LINKS_LIMIT {
                    break;
                }
                ahead.extend(steps(&leads_to));
            }
            Ok(found) if found.is_dir() => at = next,
            Ok(_) | Err(_) => {
                folders.insert(at.clone());
                break;
            }
        }
    }
    // The path ends at a folder, which may become a file.
    folders.insert(at);
    folders
}

enum PathStep {
    Root,
    Up,
    Down(OsString),
}

/// The parts of a path, the first one last.
fn steps(path: &Path) -> Vec<PathStep> {
    let step = |component| match component {
        Component::RootDir | Component::Prefix(_) => Some(PathStep::Root),
        Component::ParentDir => Some(PathStep::Up),
        Component::Normal(name) => Some(PathStep::Down(name.to_owned())),
        Component::CurDir => None,
    };
    let mut steps: Vec<PathStep> = path.components().filter_map(step).collect();
    steps.reverse();
    steps
}

/// As many as Linux follows before it returns ELOOP.
const LINKS_LIMIT: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn names(base: &Path, path: &str) -> Vec<String> {
        let strip = |folder: &PathBuf| {
            folder
                .strip_prefix(base)
                .ok()
                .map(|path| path.to_string_lossy().into_owned())
        };
        to_watch(&base.join(path))
            .iter()
            .filter_map(strip)
            .collect()
    }

    #[test]
    fn every_folder_on_the_way_that_can_change_where_a_path_leads() {
        let scratch = tempfile::tempdir().unwrap();
        let base = scratch.path().canonicalize().unwrap();
        for folder in ["plain", "mounted/..2026", "elsewhere/deep"] {
            fs::create_dir_all(base.join(folder)).unwrap();
        }
        for file in [
            "plain/ca.crt",
            "mounted/..2026/ca.crt",
            "elsewhere/deep/ca.crt",
        ] {
            fs::write(base.join(file), "x").unwrap();
        }
        symlink("..2026", base.join("mounted/..data")).unwrap();
        symlink("..data/ca.crt", base.join("mounted/ca.crt")).unwrap();
        symlink(
            base.join("elsewhere/deep/ca.crt"),
            base.join("plain/far.crt"),
        )
        .unwrap();
        symlink(
            "../elsewhere/../mounted/ca.crt",
            base.join("plain/chain.crt"),
        )
        .unwrap();
        symlink("loop", base.join("plain/loop")).unwrap();
        symlink("nowhere/x", base.join("plain/dangling")).unwrap();

        let table: [(&str, &[&str]); 9] = [
            ("plain/ca.crt", &["plain"]),
            ("plain/absent.crt", &["plain"]),
            ("absent/absent.crt", &[""]),
            ("mounted/ca.crt", &["mounted", "mounted/..2026"]),
            ("plain/far.crt", &["elsewhere/deep", "plain"]),
            ("plain/chain.crt", &["mounted", "mounted/..2026", "plain"]),
            ("plain/loop", &["plain"]),
            ("plain/dangling", &["plain"]),
            ("plain", &["plain"]),
        ];
        for (path, expected) in table {
            assert_eq!(names(&base, path), expected, "{path}");
        }
    }
}
