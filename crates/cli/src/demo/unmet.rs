//! Owns the errors that end the demo: an act saw something other than it expected, or a signal came.

use std::fmt::Display;

/// What was expected, and what was seen instead.
#[derive(Debug, thiserror::Error)]
#[error("expected {expected}; seen: {seen}")]
pub(super) struct Unexpected {
    expected: String,
    seen: String,
}

impl Unexpected {
    /// Reads as "expected ...; seen: ...".
    pub(super) fn new(expected: impl Display, seen: impl Display) -> Self {
        Self {
            expected: expected.to_string(),
            seen: seen.to_string(),
        }
    }
}

/// A signal ended the demo, before or after what it was to show.
#[derive(Debug, thiserror::Error)]
#[error("the demo was ended by {0}")]
pub(super) struct Interrupted(pub(super) &'static str);
