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

use super::files::{Folder, Found, State};
use crate::output::Verdict;

/// What a volume must have beside a good SVID.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Expectation<'a> {
    /// Of whom it is; `None`: of anybody.
    pub(crate) spiffe_id: Option<&'a str>,
    /// How long it must still be valid.
    pub(crate) min_left: Duration,
}

/// What is in a volume's folder.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) folder: String,
    /// Whether it is an SVID that a workload can use now.
    pub(crate) good: bool,
    /// Why not.
    pub(crate) problems: Vec<String>,
    /// What is allowed but may surprise somebody.
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
    pub(crate) path: Vec<Member>,
    /// The root of the trust bundle that the path leads to.
    pub(crate) root: Option<Member>,
    /// The certificate file, in its order.
    pub(crate) chain: Vec<Member>,
    pub(crate) files: Vec<FileReport>,
    /// Something is good as far as it was seen, and not everything was.
    #[serde(skip)]
    is_unseen: bool,
}

/// One certificate of the chain.
#[derive(Debug, Serialize)]
pub(crate) struct Member {
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

impl Report {
    /// Judges what was read.
    pub(crate) fn new(
        path: &Path,
        folder: &Folder,
        expectation: &Expectation<'_>,
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
        if matches!(folder.bundle.state, State::Absent) {
            remarks.push(format!(
                "there is no {}: nothing says which roots the workload is to trust",
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
            path: examination.path.into_iter().map(Member::from).collect(),
            root: examination.root.map(Member::from),
            chain: examination.chain.into_iter().map(Member::from).collect(),
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

/// What is expected and not so. Without a certificate there is nothing to compare.
fn unmet(expectation: &Expectation<'_>, found: &Examination, now: Timestamp) -> Vec<String> {
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
            "it is valid until {until}, and at least {} s must be left",
            min_left.as_secs()
        ));
    }
    unmet
}

fn unseen(folder: &Folder) -> Vec<String> {
    let all = [&folder.certificate, &folder.key, &folder.bundle];
    all.into_iter()
        .filter_map(|found| match &found.state {
            State::Unseen(reason) => Some(format!("{} cannot be read: {reason}", found.name)),
            State::Absent | State::Unfit(_) | State::File { .. } => None,
        })
        .collect()
}

/// What core finds; a missing file is reported only as missing, not also as empty.
fn examined(folder: &Folder, now: Timestamp) -> Examination {
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

fn file_problems(folder: &Folder) -> Vec<String> {
    let mut problems = Vec::new();
    for (found, required) in [
        (&folder.certificate, true),
        (&folder.key, true),
        (&folder.bundle, false),
    ] {
        match &found.state {
            State::Absent if required => problems.push(format!("there is no {}", found.name)),
            State::Unfit(reason) => {
                problems.push(format!("{} cannot be read: {reason}", found.name));
            }
            State::File { mode, .. } if mode & 0o002 != 0 => {
                problems.push(format!(
                    "everybody may write {} (mode {mode:04o})",
                    found.name
                ));
            }
            State::Absent | State::Unseen(_) | State::File { .. } => {}
        }
    }
    if let State::File { mode, .. } = folder.key.state
        && mode & 0o004 != 0
    {
        problems.push(format!(
            "everybody may read the private key (mode {mode:04o})"
        ));
    }
    problems
}

impl From<&Found> for FileReport {
    fn from(found: &Found) -> Self {
        let (state, file) = match &found.state {
            State::Absent => ("absent".to_owned(), None),
            State::Unfit(reason) | State::Unseen(reason) => (reason.clone(), None),
            State::File {
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

impl From<CertificateSummary> for Member {
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
