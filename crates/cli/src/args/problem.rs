//! Owns how a wrong command line is reported: one line per problem, all of them at once.
//!
//! Must not know any flag. Invariant: a secret value never reaches a [`Problem`], and a value is
//! escaped and truncated, so it is one line whatever was typed.

use std::fmt;

/// Why one value is not accepted, and what would be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    what: String,
    allowed: String,
}

impl Wrong {
    /// Takes what is wrong with the value, and what would be accepted instead.
    pub(crate) fn new(what: impl Into<String>, allowed: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            allowed: allowed.into(),
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if self.allowed.is_empty() {
            return Ok(());
        }
        write!(f, "; allowed: {}", self.allowed)
    }
}

/// One wrong flag or argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    subject: String,
    value: Option<String>,
    wrong: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}={}: {}", self.subject, shown(value), self.wrong),
            None => write!(f, "{}: {}", self.subject, self.wrong),
        }
    }
}

/// Everything that is wrong with a command line. Not empty once it is returned as an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    /// Returns the value if it parses, else notes the problem.
    pub(crate) fn check<T, E: fmt::Display>(
        &mut self,
        flag: &str,
        value: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match parse(value) {
            Ok(parsed) => Some(parsed),
            Err(wrong) => {
                self.add(flag, value, wrong);
                None
            }
        }
    }

    /// Like [`Self::check`], for a value that may be empty: then there is none.
    pub(crate) fn check_optional<T, E: fmt::Display>(
        &mut self,
        flag: &str,
        value: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Option<T>> {
        if value.is_empty() {
            return Some(None);
        }
        self.check(flag, value, parse).map(Some)
    }

    /// Notes that the value of a flag is wrong.
    pub(crate) fn add(&mut self, flag: &str, value: &str, wrong: impl fmt::Display) {
        self.0.push(Problem {
            subject: flag.to_owned(),
            value: Some(value.to_owned()),
            wrong: wrong.to_string(),
        });
    }

    /// Notes a problem whose value is missing, or must not be shown.
    pub(crate) fn add_without_value(&mut self, subject: &str, wrong: impl fmt::Display) {
        self.0.push(Problem {
            subject: subject.to_owned(),
            value: None,
            wrong: wrong.to_string(),
        });
    }

    /// Takes over what was found later; a flag that was reported already is not reported again.
    pub(crate) fn append(&mut self, others: Self) {
        let told: Vec<String> = self.0.iter().map(|one| one.subject.clone()).collect();
        let new = others
            .0
            .into_iter()
            .filter(|one| !told.contains(&one.subject));
        self.0.extend(new);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

/// Quotes and escapes a value, and truncates what is too long for one line of a log.
fn shown(value: &str) -> String {
    let mut characters = value.chars();
    let start: String = characters.by_ref().take(LONGEST_SHOWN).collect();
    if characters.next().is_some() {
        format!("{start:?}... ({} bytes)", value.len())
    } else {
        format!("{start:?}")
    }
}

/// Characters of a wrong value that are repeated to its author.
const LONGEST_SHOWN: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_break_out_of_its_line() {
        let mut problems = Problems::default();
        problems.add("--node-id", "a\nb\u{1b}[31m", Wrong::new("bad", "good"));

        let text = problems.iter().map(ToString::to_string).collect::<String>();

        assert_eq!(text, r#"--node-id="a\nb\u{1b}[31m": bad; allowed: good"#);
    }

    #[test]
    fn a_long_value_is_cut() {
        let text = shown(&"x".repeat(1000));

        assert!(text.len() < 200, "{text}");
        assert!(text.ends_with("... (1000 bytes)"), "{text}");
    }
}
