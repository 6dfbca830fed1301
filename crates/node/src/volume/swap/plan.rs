//! The steps of a swap. Pure.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use jiff::Timestamp;
use rustix::fs::FileType;

use super::{DATA, DATA_NEXT, File, PREFIX};
use crate::volume::VolumeError;
use crate::volume::folder::Folder;

/// One step. Each is atomic for a reader.
#[derive(Clone)]
pub(super) enum Step<'a> {
    /// Remove a name and all below it.
    Discard(OsString),
    /// Make the folder of the new set, readable by us alone.
    MakeFolder,
    /// Write a file into it, with its group and mode.
    WriteFile(File<'a>),
    /// Give the new folder its group and mode.
    SealFolder,
    /// Give the volume's own folder its group and mode.
    SealRoot,
    /// Make the name that the pod opens. It leads nowhere until the set is swapped in.
    LinkName(&'a str),
    /// Make the link that becomes `..data`.
    LinkData,
    /// The swap.
    Swap,
}

/// Steps up to the swap, whose failure leaves the old set, and steps after it, whose failure leaves
/// at worst something to discard the next time.
pub(super) struct Plan<'a> {
    /// The folder of the new set.
    pub(super) folder: String,
    pub(super) before: Vec<Step<'a>>,
    pub(super) after: Vec<Step<'a>>,
    /// Names that only the new set has: removed again if a step before the swap fails.
    pub(super) added: Vec<&'a str>,
}

/// The contents of a volume's folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Inventory {
    /// The folder that `..data` leads to.
    pub(super) current: Option<OsString>,
    /// Names that lead through `..data` to a file of the same name.
    links: BTreeSet<OsString>,
    /// Every other name.
    others: BTreeSet<OsString>,
}

impl Inventory {
    /// Reads the folder.
    pub(super) fn of(root: &Folder) -> Result<Self, VolumeError> {
        let mut inventory = Self {
            current: current_folder(root)?,
            ..Self::default()
        };
        for entry in root.entries()? {
            let is_link = entry.kind == FileType::Symlink
                && root
                    .link_target(&entry.name)?
                    .is_some_and(|to| to == through_data(&entry.name));
            let names = if is_link {
                &mut inventory.links
            } else {
                &mut inventory.others
            };
            names.insert(entry.name);
        }
        Ok(inventory)
    }

    /// The steps to show `files`. The old set's names that the new one lacks are removed last.
    pub(super) fn plan<'a>(&self, files: &[File<'a>], now: Timestamp) -> Plan<'a> {
        let folder = self.free_name(now);
        let mut before: Vec<Step<'a>> = self.leftovers().map(Step::Discard).collect();
        before.push(Step::MakeFolder);
        before.extend(files.iter().copied().map(Step::WriteFile));
        before.extend([Step::SealFolder, Step::SealRoot]);
        let mut added = Vec::new();
        for File { name, .. } in files {
            if self.links.contains(OsStr::new(name)) {
                continue;
            }
            if self.others.contains(OsStr::new(name)) {
                before.push(Step::Discard(name.into()));
            }
            before.push(Step::LinkName(name));
            added.push(*name);
        }
        before.extend([Step::LinkData, Step::Swap]);

        let kept: BTreeSet<&OsStr> = files.iter().map(|file| OsStr::new(file.name)).collect();
        let stale = self
            .links
            .iter()
            .filter(|name| !kept.contains(name.as_os_str()))
            .cloned();
        let after = stale
            .chain(self.current.clone())
            .map(Step::Discard)
            .collect();
        Plan {
            folder,
            before,
            after,
            added,
        }
    }

    /// What a killed swap left around the set that is shown, which has the files that `has` names.
    pub(super) fn remains(
        &self,
        has: impl Fn(&OsStr) -> Result<bool, VolumeError>,
    ) -> Result<Vec<OsString>, VolumeError> {
        let mut remains: Vec<OsString> = self.leftovers().collect();
        for link in &self.links {
            if !has(link)? {
                remains.push(link.clone());
            }
        }
        Ok(remains)
    }

    /// What a killed swap left, and whatever else has one of our names without being in use.
    fn leftovers(&self) -> impl Iterator<Item = OsString> {
        let in_use = |name: &OsStr| {
            self.current
                .as_deref()
                .is_some_and(|current| name == current || name == DATA)
        };
        let ours = |name: &&OsString| name.as_bytes().starts_with(PREFIX.as_bytes());
        self.others
            .iter()
            .filter(ours)
            .filter(move |name| !in_use(name))
            .cloned()
    }

    fn free_name(&self, now: Timestamp) -> String {
        let time = now.strftime("%Y_%m_%d_%H_%M_%S");
        let nanoseconds = now.subsec_nanosecond();
        let mut name = format!("{PREFIX}{time}.{nanoseconds:09}");
        let mut attempt = 0_u64;
        while self.others.contains(OsStr::new(&name)) {
            attempt += 1;
            name = format!("{PREFIX}{time}.{nanoseconds:09}-{attempt}");
        }
        name
    }
}

/// The folder that `..data` leads to, if it is a sibling with a name that a swap gives.
pub(super) fn current_folder(root: &Folder) -> Result<Option<OsString>, VolumeError> {
    let Some(name) = root.link_target(DATA)? else {
        return Ok(None);
    };
    let is_plain = Path::new(&name).file_name() == Some(&name) && name.as_bytes() != b"..";
    if !is_plain || !name.as_bytes().starts_with(PREFIX.as_bytes()) {
        return Ok(None);
    }
    let stat = root.stat_of(&name)?;
    let is_folder =
        stat.is_some_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory);
    Ok((is_folder && name != DATA && name != DATA_NEXT).then_some(name))
}

/// Where the name that a pod opens leads.
pub(super) fn through_data(name: &OsStr) -> OsString {
    Path::new(DATA).join(name).into_os_string()
}
