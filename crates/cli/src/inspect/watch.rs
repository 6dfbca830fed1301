//! Owns `inspect --watch`: looks again whenever something may have changed, and prints what did.
//!
//! Must not judge anything. Invariant: nothing is looked at without a reason: an event, the time at
//! which a verdict changes by itself, or a minute in which there was neither.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use serde_json::Value;

use super::changes::Changes;
use super::report::InspectReport;
use super::{Subject, look, text};
use crate::args::{InspectArgs, Output};
use crate::output::{self, Verdict};
use crate::process::Signals;

/// Looks until a signal, and ends with the last verdict.
///
/// # Errors
/// As for one look; also when a folder is not there any more.
pub(super) async fn run(subjects: &[Subject], args: &InspectArgs) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::catch()?;
    // Before the first look, so that what happens meanwhile is not missed.
    let changes = Changes::of(subjects.iter().map(|subject| Path::new(&subject.folder)))?;
    let mut shown = vec![Value::Null; subjects.len()];
    let mut is_first = true;
    loop {
        let mut verdict = Verdict::Good;
        let mut pause = LONGEST_PAUSE;
        for (subject, shown) in subjects.iter().zip(&mut shown) {
            let report = look(subject, args, Timestamp::now())?;
            verdict = verdict.max(report.verdict());
            pause = pause.min(until_it_changes(&report, args.min_left));
            let found = report.lasting().context("comparing with the last look")?;
            if found != *shown {
                if !std::mem::take(&mut is_first) && args.output == Output::Text {
                    writeln!(io::stdout()).context("writing the answer")?;
                }
                output::print(&report, args.output, text::write)?;
                *shown = found;
            }
        }
        tokio::select! {
            _signal = signals.next() => return Ok(verdict.into()),
            changed = changes.next() => changed?,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// How long a report stays true if nothing happens: until less than what is demanded is left, or
/// nothing is. A second more, since times are whole seconds.
fn until_it_changes(report: &InspectReport, min_left: Duration) -> Duration {
    let left = report
        .seconds_left
        .and_then(|left| u64::try_from(left).ok());
    let left = Duration::from_secs(left.unwrap_or_default());
    [left.saturating_sub(min_left), left]
        .into_iter()
        .find(|time| !time.is_zero())
        .map_or(LONGEST_PAUSE, |time| time + Duration::from_secs(1))
}

/// For what no event tells and no report says beforehand, such as a certificate that is not valid
/// yet. Doubled, that is seen later; halved, a volume is read twice as often for nothing.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
