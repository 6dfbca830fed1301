//! Owns the error of an act that saw something other than it expected.

use std::fmt::Display;

use thiserror::Error;

/// What was expected, and what was seen instead.
#[derive(Debug, Error)]
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
