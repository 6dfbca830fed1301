//! Owns what is printed of all checks.
//!
//! Must not judge. Invariant: advice and a place in the documents stand where something is not
//! good, and nowhere else.

use serde::Serialize;

use super::catalogue::About;
use super::outcome::{Grade, Outcome};
use crate::output::Verdict;

/// All that is printed.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Of this form; a new field does not change it.
    version: u32,
    pub(super) driver: String,
    pub(super) namespace: String,
    /// The worst of all.
    pub(super) result: Grade,
    pub(super) checks: Vec<Line>,
}

/// One check.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub(super) id: &'static str,
    pub(super) group: &'static str,
    pub(super) title: &'static str,
    pub(super) result: Grade,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) found: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) advice: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) see: Option<&'static str>,
}

impl Report {
    pub(super) fn new(driver: &str, namespace: &str, mut outcomes: Vec<Outcome>) -> Self {
        outcomes.sort_by_key(|outcome| outcome.check);
        let worst = outcomes.iter().map(|outcome| outcome.grade).max();
        Self {
            version: 1,
            driver: driver.to_owned(),
            namespace: namespace.to_owned(),
            result: worst.unwrap_or(Grade::Unseen),
            checks: outcomes.into_iter().map(line).collect(),
        }
    }

    pub(super) fn verdict(&self) -> Verdict {
        self.result.verdict()
    }
}

fn line(outcome: Outcome) -> Line {
    let About {
        id,
        group,
        title,
        advice,
        see,
    } = outcome.check.about();
    let is_good = matches!(outcome.grade, Grade::Good | Grade::Skipped);
    Line {
        id,
        group,
        title,
        result: outcome.grade,
        found: outcome.found,
        advice: (!is_good).then_some(advice),
        see: (!is_good).then_some(see),
    }
}
