//! Owns a driver's status as text for people: aligned, a line per volume.
//!
//! Must not judge.

use std::io::{self, Write};

use jiff::Timestamp;
use svid_node::driver::{
    IssuerStatus, KubeletRegistration, Overview, TrustBundleStatus, VolumeOverview,
};

use super::report::StatusReport;
use crate::output::{BAD, FAINT, GOOD, in_two_units};

/// Writes the status.
///
/// # Errors
/// The writer's errors.
pub(super) fn write(output: &mut dyn Write, report: &StatusReport) -> io::Result<()> {
    let overview = &report.overview;
    let (style, verdict) = if report.problems.is_empty() {
        (GOOD, "no problems")
    } else {
        (BAD, "problems")
    };
    writeln!(
        output,
        "{style}{verdict}{style:#} with {} on node {}",
        overview.driver, overview.node
    )?;
    for problem in &report.problems {
        writeln!(output, "  {BAD}-{BAD:#} {problem}")?;
    }
    writeln!(output)?;
    for (name, value) in facts(overview) {
        writeln!(output, "{name:<12}  {value}")?;
    }
    if overview.volumes.is_empty() {
        return Ok(());
    }
    writeln!(output)?;
    table(output, overview)
}

fn facts(overview: &Overview) -> [(&'static str, String); 6] {
    let registration = match &overview.registration {
        KubeletRegistration::Sidecar => "left to a sidecar".to_owned(),
        KubeletRegistration::Unheard => "not yet found by the kubelet".to_owned(),
        KubeletRegistration::Registered => "registered with the kubelet".to_owned(),
        KubeletRegistration::Refused { reason } => format!("refused: {reason}"),
    };
    let issuer = match &overview.issuer {
        IssuerStatus::Known { issuer } => issuer.to_string(),
        IssuerStatus::NotYetRead { reason } => format!("not read yet: {reason}"),
        IssuerStatus::Missing { reason } => format!("none: {reason}"),
    };
    let bundle = match &overview.trust_bundle {
        TrustBundleStatus::NoSource => "none: volumes contain no trust roots".to_owned(),
        TrustBundleStatus::Unreadable { reason } => format!("none yet: {reason}"),
        TrustBundleStatus::Read {
            certificates,
            newer_refused,
        } => {
            let roots = counted(*certificates, "root", "roots");
            match newer_refused {
                Some(reason) => format!("{roots}; the current file is refused: {reason}"),
                None => roots,
            }
        }
    };
    let events = overview.events;
    let phases: Vec<String> = overview
        .phases()
        .into_iter()
        .map(|(phase, count)| format!("{count} {phase}"))
        .collect();
    let volumes = match overview.volumes.len() {
        0 => "none".to_owned(),
        all => format!("{all}: {}", phases.join(", ")),
    };
    [
        ("Time", overview.time.to_string()),
        ("Registration", registration),
        ("Issuer", issuer),
        ("Trust bundle", bundle),
        (
            "Events",
            format!(
                "{} sent, {} repeated, {} lost",
                events.sent, events.repeated, events.dropped
            ),
        ),
        ("Volumes", volumes),
    ]
}

fn counted(count: usize, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

fn table(output: &mut dyn Write, overview: &Overview) -> io::Result<()> {
    let rows: Vec<Row> = overview
        .volumes
        .iter()
        .map(|volume| row(volume, overview.time))
        .collect();
    let mut widths = HEADING.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    write!(output, "{FAINT}")?;
    line(output, &HEADING.map(str::to_owned), widths)?;
    write!(output, "{FAINT:#}")?;
    rows.iter().try_for_each(|row| line(output, row, widths))
}

fn line(output: &mut dyn Write, row: &Row, widths: [usize; COLUMNS]) -> io::Result<()> {
    let cells: Vec<String> = row
        .iter()
        .zip(widths)
        .map(|(cell, width)| format!("{cell:<width$}"))
        .collect();
    writeln!(output, "{}", cells.join("  ").trim_end())
}

fn row(volume: &VolumeOverview, now: Timestamp) -> Row {
    let until = |until: Timestamp| {
        let seconds = until.as_second().saturating_sub(now.as_second());
        match in_two_units(seconds.unsigned_abs()) {
            words if words.is_empty() => "now".to_owned(),
            words if seconds < 0 => format!("{words} ago"),
            words => format!("in {words}"),
        }
    };
    let none = || "-".to_owned();
    let mut details = Vec::new();
    if let Some(since) = volume.phase_since {
        let seconds = now.as_second().saturating_sub(since.as_second());
        let waited = in_two_units(u64::try_from(seconds).unwrap_or_default());
        if !waited.is_empty() {
            details.push(format!("for {waited}"));
        }
    }
    if let Some(waits_for) = &volume.waits_for {
        details.push(format!("waits for: {waits_for}"));
    }
    if let Some(failure) = &volume.last_failure {
        details.push(format!("last failure: {failure}"));
    }
    [
        volume.phase.to_string(),
        volume.namespace.to_string(),
        volume.pod.to_string(),
        volume.service_account.to_string(),
        if volume.valid { "yes" } else { "no" }.to_owned(),
        volume.usable_until.map_or_else(none, until),
        volume.phase_until.map_or_else(none, until),
        details.join("; "),
    ]
}

type Row = [String; COLUMNS];

const COLUMNS: usize = 8;

const HEADING: [&str; COLUMNS] = [
    "PHASE",
    "NAMESPACE",
    "POD",
    "SERVICE ACCOUNT",
    "VALID",
    "EXPIRES",
    "NEXT STEP",
    "DETAILS",
];
