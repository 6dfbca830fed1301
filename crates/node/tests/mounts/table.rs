//! The mount table, read without the code under test.

use std::path::Path;

/// A line of `/proc/self/mountinfo`. Paths of tests hold nothing that is escaped.
#[derive(Debug, Clone)]
pub(crate) struct Mount {
    pub(crate) point: String,
    pub(crate) options: Vec<String>,
    pub(crate) file_system: String,
    pub(crate) source: String,
    pub(crate) super_options: Vec<String>,
}

/// Every mount at a path or below it, lower ones first.
pub(crate) fn below(path: &Path) -> Vec<Mount> {
    let table = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mounts = table.lines().map(parse);
    mounts
        .filter(|mount| Path::new(&mount.point).starts_with(path))
        .collect()
}

/// Every mount on a path.
pub(crate) fn at(path: &Path) -> Vec<Mount> {
    let mut mounts = below(path);
    mounts.retain(|mount| Path::new(&mount.point) == path);
    mounts
}

fn parse(line: &str) -> Mount {
    let (left, right) = line.split_once(" - ").unwrap();
    let left: Vec<&str> = left.split(' ').collect();
    let right: Vec<&str> = right.split(' ').collect();
    let list = |text: &str| text.split(',').map(str::to_owned).collect();
    Mount {
        point: left[4].to_owned(),
        options: list(left[5]),
        file_system: right[0].to_owned(),
        source: right[1].to_owned(),
        super_options: list(right[2]),
    }
}
