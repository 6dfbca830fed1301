//! Owns what the commands that look at something have in common: the verdict as an exit code, and
//! the way a report is printed.
//!
//! Must not know what a report contains.

use std::io::{self, Write};
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use anyhow::Context as _;
use serde::Serialize;

use crate::args::Output;

pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const FAINT: Style = Style::new().dimmed();

/// What was found. The last of several is the one to report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// All is well.
    Good,
    /// It could not be examined, or not completely, and what was seen is fine.
    Unseen,
    /// Something is wrong.
    Bad,
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Good => Self::SUCCESS,
            Verdict::Bad => Self::FAILURE,
            Verdict::Unseen => Self::from(UNSEEN),
        }
    }
}

/// Prints a report; colours that the terminal does not support are dropped.
///
/// # Errors
/// Standard output is closed.
pub(crate) fn print<Report: Serialize>(
    report: &Report,
    output: Output,
    as_text: impl FnOnce(&mut dyn Write, &Report) -> io::Result<()>,
) -> anyhow::Result<()> {
    let mut stdout = anstream::stdout();
    match output {
        Output::Text => as_text(&mut stdout, report),
        Output::Json => serde_json::to_writer_pretty(&mut stdout, report)
            .map_err(Into::into)
            .and_then(|()| writeln!(stdout)),
    }
    .context("writing the output")
}

/// Seconds in human-readable form: the two largest units. Empty for none.
pub(crate) fn in_two_units(seconds: u64) -> String {
    let units = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let words: Vec<String> = units
        .into_iter()
        .skip_while(|(count, _)| *count == 0)
        .take(2)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    words.join(" ")
}

/// Exit code of a command that could not look at what it was asked about.
pub(crate) const UNSEEN: u8 = 2;
