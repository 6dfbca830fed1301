//! Owns the report as text for people.
//!
//! Must not judge.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::outcome::Grade;
use super::report::{Line, Report};
use crate::output::{BAD, FAINT, GOOD};

/// Writes the report: a heading per group, a line per check, and below it what was found.
///
/// # Errors
/// The writer's errors.
pub(super) fn write(output: &mut dyn Write, report: &Report) -> io::Result<()> {
    let mut group = "";
    for line in &report.checks {
        if line.group != group {
            group = line.group;
            writeln!(output, "{group}")?;
        }
        check(output, line)?;
    }
    let style = style(report.result);
    writeln!(
        output,
        "\n{style}{}{style:#} with {} in {}",
        summary(report),
        report.driver,
        report.namespace
    )
}

fn check(output: &mut dyn Write, line: &Line) -> io::Result<()> {
    let style = style(line.result);
    let word = word(line.result);
    let (id, title) = (line.id, line.title);
    writeln!(
        output,
        "  {style}{word:<8}{style:#}{title} {FAINT}({id}){FAINT:#}"
    )?;
    for found in &line.found {
        writeln!(output, "          - {found}")?;
    }
    if let Some(advice) = line.advice {
        writeln!(output, "          {advice}")?;
    }
    if let Some(see) = line.see {
        writeln!(output, "          {FAINT}see {see}{FAINT:#}")?;
    }
    Ok(())
}

fn summary(report: &Report) -> String {
    let count = |grade| {
        let lines = report.checks.iter();
        lines.filter(|line| line.result == grade).count()
    };
    let counts: Vec<String> = [
        (Grade::Error, "wrong"),
        (Grade::Unseen, "not looked at"),
        (Grade::Warning, "to be mended"),
    ]
    .into_iter()
    .filter(|(grade, _)| count(*grade) > 0)
    .map(|(grade, word)| format!("{} {word}", count(grade)))
    .collect();
    let verdict = match report.result {
        Grade::Good | Grade::Skipped | Grade::Warning => "all is well",
        Grade::Unseen => "not everything was seen",
        Grade::Error => "not all is well",
    };
    if counts.is_empty() {
        verdict.to_owned()
    } else {
        format!("{verdict} ({})", counts.join(", "))
    }
}

fn word(grade: Grade) -> &'static str {
    match grade {
        Grade::Good => "ok",
        Grade::Skipped => "-",
        Grade::Warning => "warning",
        Grade::Unseen => "unseen",
        Grade::Error => "error",
    }
}

fn style(grade: Grade) -> Style {
    match grade {
        Grade::Good => GOOD,
        Grade::Skipped => FAINT,
        Grade::Warning | Grade::Unseen => WARN,
        Grade::Error => BAD,
    }
}

const WARN: Style = AnsiColor::Yellow.on_default().bold();
