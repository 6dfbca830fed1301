//! Owns the result as data, which `--output json` prints as it is.
//!
//! Must not know how it is printed. Invariant: `good` is true if and only if `problems` is empty.

use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;
use svid_core::svid::examine::{self, CertificateSummary, Examination};
use svid_core::text::one_line;

use super::files::{EntryState, FoundFile, VolumeFiles};
use crate::output::Verdict;

/// What a volume must have beside a good SVID.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Requirements<'a> {
    /// Of whom it is; `None`: of anybody.
    pub(crate) spiffe_id: Option<&'a str>,
    /// How long it must still be valid.
    pub(crate) min_left: Duration,
}

/// What is in a volume's folder.
#[derive(Debug, Serialize)]
pub(crate) struct InspectReport {
    pub(crate) folder: String,
    /// Whether it is an SVID that a workload can use now.
    pub(crate) good: bool,
    /// Why not.
    pub(crate) problems: Vec<String>,
    /// What is allowed, but may be unexpected.
    pub(crate) remarks: Vec<String>,
    pub(crate) spiffe_id: Option<String>,
    pub(crate) issuer: String,
    pub(crate) serial: String,
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) not_after: Option<Timestamp>,
    /// The earliest end on the path, root included.
    pub(crate) usable_until: Option<Timestamp>,
    /// Until `usable_until`; negative once that is past.
    pub(crate) seconds_left: Option<i64>,
    pub(crate) key_type: String,
    pub(crate) key_matches: Option<bool>,
    /// Whether the chain leads to the trust bundle; absent without one.
    pub(crate) anchored: Option<bool>,
    /// The path that was found, the leaf first, without the root; empty if there is none.
    pub(crate) path: Vec<CertificateEntry>,
    /// The root of the trust bundle that the path leads to.
    pub(crate) root: Option<CertificateEntry>,
    /// The certificate file, in its order.
    pub(crate) chain: Vec<CertificateEntry>,
    pub(crate) files: Vec<FileReport>,
    /// No problem was seen, but not everything could be read.
    #[serde(skip)]
    is_unseen: bool,
}

/// One certificate of the chain.
#[derive(Debug, Serialize)]
pub(crate) struct CertificateEntry {
    pub(crate) subject: String,
    pub(crate) issuer: String,
    pub(crate) serial: String,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) key_type: String,
    pub(crate) is_ca: bool,
}

/// One file of the folder.
#[derive(Debug, Serialize)]
pub(crate) struct FileReport {
    pub(crate) name: String,
    /// `present`, `absent`, or why it cannot be read.
    pub(crate) state: String,
    /// Octal, such as `0440`.
    pub(crate) mode: Option<String>,
    pub(crate) owner: Option<u32>,
    pub(crate) group: Option<u32>,
}

impl InspectReport {
    /// Judges what was read.
    pub(crate) fn new(
        path: &Path,
        folder: &VolumeFiles,
        expectation: &Requirements<'_>,
        now: Timestamp,
    ) -> Self {
        let examination = examined(folder, now);
        let mut problems = file_problems(folder);
        let unseen = unseen(folder);
        problems.extend(unmet(expectation, &examination, now));
        let mut remarks = examination.remarks;
        problems.extend(examination.problems);
        let is_unseen = problems.is_empty() && !unseen.is_empty();
        problems.extend(unseen);
        if matches!(folder.bundle.state, EntryState::Absent) {
            remarks.push(format!(
                "there is no {}: nothing tells the workload which roots to trust",
                folder.bundle.name
            ));
        }
        Self {
            folder: one_line(&path.to_string_lossy(), LONGEST_PATH),
            good: problems.is_empty(),
            problems,
            remarks,
            spiffe_id: examination.spiffe_id,
            issuer: examination.issuer,
            serial: examination.serial,
            not_before: examination.not_before,
            not_after: examination.not_after,
            usable_until: examination.usable_until,
            seconds_left: examination
                .usable_until
                .map(|until| until.as_second().saturating_sub(now.as_second())),
            key_type: examination.key_type,
            key_matches: examination.key_matches,
            anchored: examination.anchored,
            path: examination
                .path
                .into_iter()
                .map(CertificateEntry::from)
                .collect(),
            root: examination.root.map(CertificateEntry::from),
            chain: examination
                .chain
                .into_iter()
                .map(CertificateEntry::from)
                .collect(),
            files: [&folder.certificate, &folder.key, &folder.bundle]
                .map(FileReport::from)
                .into(),
            is_unseen,
        }
    }

    /// What was found, without what changes from one second to the next while nothing happens: the
    /// time that is left, and the times in what is said of an expired certificate.
    pub(super) fn lasting(&self) -> serde_json::Result<Value> {
        let mut report = serde_json::to_value(self)?;
        if let Some(fields) = report.as_object_mut() {
            fields.remove("seconds_left");
            fields.insert("problems".to_owned(), self.problems.len().into());
            fields.insert("remarks".to_owned(), self.remarks.len().into());
        }
        Ok(report)
    }

    pub(crate) fn verdict(&self) -> Verdict {
        match (self.good, self.is_unseen) {
            (true, _) => Verdict::Good,
            (false, true) => Verdict::Unseen,
            (false, false) => Verdict::Bad,
        }
    }
}

/// Unmet expectations. Without a certificate there is nothing to compare.
fn unmet(expectation: &Requirements<'_>, found: &Examination, now: Timestamp) -> Vec<String> {
    let mut unmet = Vec::new();
    if let (Some(expected), Some(id)) = (expectation.spiffe_id, &found.spiffe_id)
        && expected != id
    {
        unmet.push(format!("the SPIFFE ID is {id}, not {expected}"));
    }
    let min_left = SignedDuration::try_from(expectation.min_left).unwrap_or(SignedDuration::MAX);
    // What has expired is a problem anyway.
    let until = found.usable_until.filter(|until| *until > now);
    if let Some(until) = until.filter(|until| until.duration_since(now) < min_left) {
        unmet.push(format!(
            "it is valid until {until}, but must be valid for at least {} s more",
            min_left.as_secs()
        ));
    }
    unmet
}

fn unseen(folder: &VolumeFiles) -> Vec<String> {
    let all = [&folder.certificate, &folder.key, &folder.bundle];
    all.into_iter()
        .filter_map(|found| match &found.state {
            EntryState::Unseen(reason) => Some(format!("{} cannot be read: {reason}", found.name)),
            EntryState::Absent | EntryState::Unfit(_) | EntryState::File { .. } => None,
        })
        .collect()
}

/// What core finds; a missing file is reported only as missing, not also as empty.
fn examined(folder: &VolumeFiles, now: Timestamp) -> Examination {
    let files = examine::Files {
        chain_pem: folder.certificate.content().unwrap_or_default(),
        key_pem: folder.key.content(),
        bundle_pem: folder.bundle.content(),
    };
    let mut examination = examine::examine(&files, now);
    if folder.certificate.content().is_none() {
        examination.problems.clear();
    } else if folder.key.content().is_none() {
        examination
            .problems
            .retain(|problem| !problem.starts_with("the private key is missing"));
    }
    examination
}

fn file_problems(folder: &VolumeFiles) -> Vec<String> {
    let mut problems = Vec::new();
    for (found, required) in [
        (&folder.certificate, true),
        (&folder.key, true),
        (&folder.bundle, false),
    ] {
        match &found.state {
            EntryState::Absent if required => problems.push(format!("there is no {}", found.name)),
            EntryState::Unfit(reason) => {
                problems.push(format!("{} cannot be read: {reason}", found.name));
            }
            EntryState::File { mode, .. } if mode & 0o002 != 0 => {
                problems.push(format!(
                    "{} is world-writable (mode {mode:04o})",
                    found.name
                ));
            }
            EntryState::Absent | EntryState::Unseen(_) | EntryState::File { .. } => {}
        }
    }
    if let EntryState::File { mode, .. } = folder.key.state
        && mode & 0o004 != 0
    {
        problems.push(format!(
            "the private key is world-readable (mode {mode:04o})"
        ));
    }
    problems
}

impl From<&FoundFile> for FileReport {
    fn from(found: &FoundFile) -> Self {
        let (state, file) = match &found.state {
            EntryState::Absent => ("absent".to_owned(), None),
            EntryState::Unfit(reason) | EntryState::Unseen(reason) => (reason.clone(), None),
            EntryState::File {
                mode, owner, group, ..
            } => ("present".to_owned(), Some((mode, owner, group))),
        };
        Self {
            name: found.name.clone(),
            state,
            mode: file.map(|(mode, ..)| format!("{mode:04o}")),
            owner: file.map(|(_, owner, _)| *owner),
            group: file.map(|(.., group)| *group),
        }
    }
}

impl From<CertificateSummary> for CertificateEntry {
    fn from(summary: CertificateSummary) -> Self {
        Self {
            subject: summary.subject,
            issuer: summary.issuer,
            serial: summary.serial,
            not_before: summary.not_before,
            not_after: summary.not_after,
            key_type: summary.key_type,
            is_ca: summary.is_ca,
        }
    }
}

/// Bytes; Linux's PATH_MAX.
const LONGEST_PATH: usize = 4096;
