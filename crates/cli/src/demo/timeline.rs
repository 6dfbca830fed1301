//! Owns what is printed: one line per event, with the seconds since the start and a mark.
//!
//! Must not know what is shown. Invariant: everything goes to standard output in the order in which
//! it happened; colours and lines that change in place are for terminals only.

use std::future::Future;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use anyhow::Context as _;
use tokio::time::{Instant, MissedTickBehavior};

use super::child::log_name;
use super::folder::DemoFolder;
use super::unmet::Interrupted;

const SEEN: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const TITLE: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

/// What was printed, and when it began.
#[derive(Debug)]
pub(super) struct Timeline {
    start: Instant,
    in_place: bool,
    proved: Vec<String>,
}

impl Timeline {
    /// Begins now.
    pub(super) fn new() -> Self {
        let clever = std::env::var_os("TERM").is_some_and(|name| name != "dumb");
        Self {
            start: Instant::now(),
            in_place: clever && io::stdout().is_terminal(),
            proved: Vec::new(),
        }
    }

    /// Begins an act, with a sentence or two about why it matters.
    ///
    /// # Errors
    /// Standard output is closed; the same holds for everything that prints.
    pub(super) fn act(&mut self, title: &str, why: &[&str]) -> anyhow::Result<()> {
        let mut text = format!("\n{TITLE}{title}{TITLE:#}\n");
        for line in why {
            text.push_str(&format!("{FAINT}{line}{FAINT:#}\n"));
        }
        write(&text)
    }

    /// Something happened.
    pub(super) fn note(&mut self, text: &str) -> anyhow::Result<()> {
        write(&format!("{}  ..  {text}\n", self.elapsed()))
    }

    /// Something was seen to be as it should be.
    pub(super) fn seen(&mut self, text: &str) -> anyhow::Result<()> {
        write(&format!("{}  {SEEN}ok{SEEN:#}  {text}\n", self.elapsed()))
    }

    /// The statement that an act was there to prove: seen, and repeated at the end.
    pub(super) fn proved(&mut self, statement: &str) -> anyhow::Result<()> {
        self.proved.push(statement.to_owned());
        self.seen(&format!("{TITLE}{statement}{TITLE:#}"))
    }

    /// A longer text, unchanged, below the previous line.
    pub(super) fn quote(&mut self, text: &str) -> anyhow::Result<()> {
        let lines: String = text
            .lines()
            .map(|line| match line.trim_end() {
                "" => "\n".to_owned(),
                line => format!("              {line}\n"),
            })
            .collect();
        write(&lines)
    }

    /// Waits, and shows it: on a terminal in a line that changes in place, elsewhere in an
    /// occasional further line. `progress` describes the current state.
    ///
    /// # Errors
    /// Not within the limit, or the error of what was waited for.
    pub(super) async fn wait<Outcome>(
        &mut self,
        what: &str,
        limit: Duration,
        progress: impl Fn() -> String + Send,
        event: impl Future<Output = anyhow::Result<Outcome>> + Send,
    ) -> anyhow::Result<Outcome> {
        let (patience, pace) = if self.in_place {
            (IN_PLACE, IN_PLACE)
        } else {
            (BRIEF, IN_LINES)
        };
        let mut ticks = tokio::time::interval_at(Instant::now() + patience, pace);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut event = std::pin::pin!(tokio::time::timeout(limit, event));
        let mut shown = 0;
        let outcome = loop {
            tokio::select! {
                biased;
                outcome = &mut event => break outcome,
                _ = ticks.tick() => {
                    let text = match progress().as_str() {
                        "" => what.to_owned(),
                        progress => format!("{what}: {progress}"),
                    };
                    shown = self.show_progress(&text, shown)?;
                }
            }
        };
        if shown > 0 {
            write_raw(&format!("\r{:shown$}\r", ""))?;
        }
        outcome.with_context(|| format!("{what}: not within {} s", limit.as_secs()))?
    }

    /// Returns how many columns are in use now.
    fn show_progress(&mut self, text: &str, before: usize) -> anyhow::Result<usize> {
        if !self.in_place {
            self.note(&format!("{text} ..."))?;
            return Ok(0);
        }
        // A line that wraps cannot be overwritten.
        let line: String = format!("{}  ..  {text} ...", self.elapsed())
            .chars()
            .take(NARROWEST)
            .collect();
        let columns = line.chars().count();
        write_raw(&format!("\r{line:before$}"))?;
        Ok(columns.max(before))
    }

    /// Everything that was proved.
    pub(super) fn summary(&mut self) -> anyhow::Result<()> {
        let seconds = self.start.elapsed().as_secs();
        let mut text = format!("\n{TITLE}Seen in {seconds} s{TITLE:#}\n");
        for statement in &self.proved {
            text.push_str(&format!("  {SEEN}ok{SEEN:#}  {statement}\n"));
        }
        write(&text)
    }

    /// Prints why the demo ends early, and what the roles logged last. Returns the error for the
    /// program's last line.
    pub(super) fn failed(&mut self, error: anyhow::Error, folder: &DemoFolder) -> anyhow::Error {
        if error.is::<Interrupted>() {
            drop(write("\n"));
            return error;
        }
        let mut text = format!("\n{}  {BAD}!!{BAD:#}  {error:#}\n", self.elapsed());
        for role in ["driver", "approver"] {
            let lines = folder.tail(&log_name(role), TAIL);
            if !lines.is_empty() {
                text.push_str(&format!(
                    "\n{TITLE}The last lines of the {role}'s log{TITLE:#}\n"
                ));
                text.push_str(&lines.join("\n"));
                text.push('\n');
            }
        }
        // Perhaps standard output is what failed; the error is printed elsewhere, too.
        drop(write(&text));
        error.context("the demo did not see everything that it expected")
    }

    fn elapsed(&self) -> String {
        let seconds = self.start.elapsed().as_secs_f64();
        format!("{FAINT}{seconds:6.1} s{FAINT:#}")
    }
}

fn write(text: &str) -> anyhow::Result<()> {
    let mut output = anstream::stdout().lock();
    output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .context("writing to standard output")
}

/// For terminals; plain text, since what strips colours may strip the carriage return as well.
fn write_raw(text: &str) -> anyhow::Result<()> {
    let plain = anstream::adapter::strip_str(text).to_string();
    let mut output = io::stdout().lock();
    output
        .write_all(plain.as_bytes())
        .and_then(|()| output.flush())
        .context("writing to standard output")
}

const IN_PLACE: Duration = Duration::from_millis(100);
/// What is over sooner need not be announced.
const BRIEF: Duration = Duration::from_millis(500);
const IN_LINES: Duration = Duration::from_secs(5);

/// Columns that every terminal has.
const NARROWEST: usize = 79;

/// Lines of each log that are shown after a failure.
const TAIL: usize = 20;
