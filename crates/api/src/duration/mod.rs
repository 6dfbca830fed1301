//! Owns durations as Go writes and reads them, which is how cert-manager stores a lifetime.
//!
//! Must not know what a duration is for. Invariant: agrees with Go's `time.ParseDuration` and
//! `Duration.String` on every text and every value, and never panics, because the text comes from
//! any user who may create a `CertificateRequest`.

mod format;
mod parse;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use parse::GoDurationError;

/// A signed number of nanoseconds, like Go's `time.Duration`: about 292 years each way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoDuration(i64);

impl GoDuration {
    /// Converts from nanoseconds.
    #[must_use]
    pub const fn from_nanoseconds(nanoseconds: i64) -> Self {
        Self(nanoseconds)
    }

    /// Returns nanoseconds.
    #[must_use]
    pub const fn nanoseconds(self) -> i64 {
        self.0
    }
}

impl TryFrom<Duration> for GoDuration {
    type Error = OutOfRange;

    /// # Errors
    /// Longer than 292 years.
    fn try_from(duration: Duration) -> Result<Self, OutOfRange> {
        // The source error says only "out of range" as well.
        i64::try_from(duration.as_nanos())
            .map(Self)
            .map_err(|_too_large| OutOfRange)
    }
}

impl TryFrom<GoDuration> for Duration {
    type Error = OutOfRange;

    /// # Errors
    /// Negative.
    fn try_from(duration: GoDuration) -> Result<Self, OutOfRange> {
        u64::try_from(duration.0)
            .map(Self::from_nanos)
            .map_err(|_negative| OutOfRange)
    }
}

/// A duration that the other type cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("duration is negative or longer than 292 years")]
pub struct OutOfRange;
