//! Owns what comes of a check.
//!
//! Must not know any check. Invariants: what was not looked at is never good, and what is found
//! stays few short lines, whoever wrote the objects.

use serde::Serialize;
use svid_core::text::one_line;

use super::catalogue::Check;
use super::snapshot::Unseen;
use crate::output::Verdict;

/// How a check ended, the worse the later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Grade {
    Good,
    /// There is nothing to look at; does not count.
    Skipped,
    /// Works, and should be mended all the same.
    Warning,
    /// Could not be looked at, or not whole.
    Unseen,
    /// Must be mended.
    Error,
}

impl Grade {
    pub(crate) fn verdict(self) -> Verdict {
        match self {
            Self::Good | Self::Skipped | Self::Warning => Verdict::Good,
            Self::Unseen => Verdict::Unseen,
            Self::Error => Verdict::Bad,
        }
    }
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) check: Check,
    pub(crate) grade: Grade,
    /// What was found, one thing a line; empty where all is well.
    pub(crate) found: Vec<String>,
}

/// A check while it is made.
#[derive(Debug)]
pub(crate) struct Findings {
    check: Check,
    grade: Grade,
    found: Vec<String>,
    left_out: usize,
}

impl Findings {
    pub(crate) fn of(check: Check) -> Self {
        Self {
            check,
            grade: Grade::Good,
            found: Vec::new(),
            left_out: 0,
        }
    }

    pub(crate) fn error(&mut self, what: impl AsRef<str>) {
        self.add(Grade::Error, what.as_ref());
    }

    pub(crate) fn warning(&mut self, what: impl AsRef<str>) {
        self.add(Grade::Warning, what.as_ref());
    }

    pub(crate) fn unseen(&mut self, unseen: &Unseen) {
        self.add(Grade::Unseen, &unseen.to_string());
    }

    pub(crate) fn skipped(&mut self, why: impl AsRef<str>) {
        self.add(Grade::Skipped, why.as_ref());
    }

    /// Notes that something was not looked at, or not whole.
    pub(crate) fn partly(&mut self, what: impl AsRef<str>) {
        self.add(Grade::Unseen, what.as_ref());
    }

    fn add(&mut self, grade: Grade, what: &str) {
        // The worst is shown, however late it is found.
        if grade > self.grade {
            self.grade = grade;
            self.found.insert(0, one_line(what, LONGEST));
        } else {
            self.found.push(one_line(what, LONGEST));
        }
        if self.found.len() > MOST {
            self.found.truncate(MOST);
            self.left_out += 1;
        }
    }

    pub(crate) fn is_good(&self) -> bool {
        self.grade < Grade::Unseen
    }

    pub(crate) fn done(mut self) -> Outcome {
        if self.left_out > 0 {
            self.found.push(format!("and {} more", self.left_out));
        }
        Outcome {
            check: self.check,
            grade: self.grade,
            found: self.found,
        }
    }
}

/// Things that one check names.
const MOST: usize = 5;
/// Bytes of one of them.
const LONGEST: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_decides_and_is_named_among_few_short_lines() {
        let mut findings = Findings::of(Check::PodsWaiting);
        for number in 0..20 {
            findings.warning(format!("warning {number}\n\u{1b}[31m{}", "x".repeat(9000)));
        }
        findings.error("the error");
        let outcome = findings.done();

        assert_eq!(outcome.grade, Grade::Error);
        assert_eq!(outcome.found.len(), MOST + 1);
        assert_eq!(outcome.found[0], "the error");
        assert_eq!(outcome.found[MOST], "and 16 more");
        assert!(outcome.found.iter().all(|line| line.len() <= LONGEST));
        assert!(!outcome.found.concat().contains(char::is_control));
    }

    #[test]
    fn a_check_without_findings_is_good() {
        let outcome = Findings::of(Check::PodsWaiting).done();
        assert_eq!((outcome.grade, outcome.found.len()), (Grade::Good, 0));
    }
}
