//! Owns the result as text for people: aligned, with colour if the terminal supports it.
//!
//! Must not judge. Invariant: every fact of the report is printed once.

use std::io::{self, Write};

use jiff::Timestamp;

use super::report::{CertificateEntry, FileReport, InspectReport};
use crate::output::{BAD, FAINT, GOOD, in_two_units};

/// Writes the result; the writer drops colours that its terminal does not support.
///
/// # Errors
/// The writer's errors.
pub(super) fn write(output: &mut dyn Write, report: &InspectReport) -> io::Result<()> {
    let (style, verdict) = if report.good {
        (GOOD, "valid SVID")
    } else {
        (BAD, "not a valid SVID")
    };
    writeln!(output, "{style}{verdict}{style:#} in {}", report.folder)?;
    for problem in &report.problems {
        writeln!(output, "  {BAD}-{BAD:#} {problem}")?;
    }
    for remark in &report.remarks {
        writeln!(output, "  {FAINT}- {remark}{FAINT:#}")?;
    }
    if !report.chain.is_empty() {
        writeln!(output)?;
        facts(output, report)?;
        writeln!(output, "\nChain")?;
        for (position, member) in report.chain.iter().enumerate() {
            chain_member(output, position, member)?;
        }
    }
    writeln!(output, "\nFiles")?;
    report
        .files
        .iter()
        .try_for_each(|found| file(output, found, &report.files))
}

fn facts(output: &mut dyn Write, report: &InspectReport) -> io::Result<()> {
    let left = report.seconds_left.map_or_else(String::new, time_left);
    let expiry = match (report.not_after, report.usable_until) {
        (Some(leaf), Some(chain)) if chain < leaf => {
            format!("{leaf}; its path only until {chain}")
        }
        (Some(leaf), _) => leaf.to_string(),
        (None, _) => String::new(),
    };
    let key = match report.key_matches {
        Some(true) => format!("{}, matches the key file", report.key_type),
        Some(false) => format!("{}, does not match the key file", report.key_type),
        None => format!("{}, not compared with the key file", report.key_type),
    };
    let roots = match report.anchored {
        Some(true) => "the chain leads to the trust bundle",
        Some(false) => "the chain does not lead to the trust bundle",
        None => "not compared with a trust bundle",
    };
    let path = path(report);
    let lines = [
        (
            "SPIFFE ID",
            report
                .spiffe_id
                .clone()
                .unwrap_or_else(|| "none".to_owned()),
        ),
        ("Issuer", report.issuer.clone()),
        ("Serial", report.serial.clone()),
        (
            "Valid from",
            report
                .not_before
                .as_ref()
                .map(Timestamp::to_string)
                .unwrap_or_default(),
        ),
        ("Valid until", expiry),
        ("Time left", left),
        ("Key", key),
        ("Path", path),
        ("Roots", roots.to_owned()),
    ];
    for (name, value) in lines {
        writeln!(output, "{name:<11}  {value}")?;
    }
    Ok(())
}

/// Who signed whom, from the leaf to the root.
fn path(report: &InspectReport) -> String {
    let Some((_, authorities)) = report.path.split_first() else {
        return "none was found".to_owned();
    };
    let authorities = authorities.iter().map(|member| member.subject.clone());
    let root = report.root.iter();
    let root = root.map(|root| format!("{} (a root of the trust bundle)", root.subject));
    let signers: Vec<String> = authorities.chain(root).collect();
    if signers.is_empty() {
        "the certificate alone".to_owned()
    } else {
        format!(
            "the certificate, signed by {}",
            signers.join(", signed by ")
        )
    }
}

fn chain_member(
    output: &mut dyn Write,
    position: usize,
    member: &CertificateEntry,
) -> io::Result<()> {
    let kind = if member.is_ca { "CA" } else { "leaf" };
    let subject = if member.subject.is_empty() {
        "(empty subject)"
    } else {
        &member.subject
    };
    writeln!(
        output,
        "  {position}  {kind:<4}  {subject}, {}, until {}, by {}",
        member.key_type, member.not_after, member.issuer
    )
}

fn file(output: &mut dyn Write, found: &FileReport, all: &[FileReport]) -> io::Result<()> {
    let width = all
        .iter()
        .map(|found| found.name.chars().count())
        .max()
        .unwrap_or_default();
    write!(output, "  {:<width$}  ", found.name)?;
    match (&found.mode, found.owner, found.group) {
        (Some(mode), Some(owner), Some(group)) => {
            writeln!(output, "{mode}  owner {owner}, group {group}")
        }
        _ => writeln!(output, "{}", found.state),
    }
}

fn time_left(seconds: i64) -> String {
    match (in_two_units(seconds.unsigned_abs()).as_str(), seconds) {
        ("", _) => "none".to_owned(),
        (words, 1..) => words.to_owned(),
        (words, _) => format!("none, expired {words} ago"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_said_in_two_units() {
        let table = [
            (0, "none"),
            (5, "5 s"),
            (65, "1 min 5 s"),
            (3600, "1 h 0 min"),
            (90_061, "1 d 1 h"),
            (-61, "none, expired 1 min 1 s ago"),
            (i64::MIN, "none, expired 106751991167300 d 15 h ago"),
        ];
        for (seconds, expected) in table {
            assert_eq!(time_left(seconds), expected);
        }
    }
}
