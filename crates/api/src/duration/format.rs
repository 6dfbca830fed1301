//! Writing a duration as Go's `Duration.String` does: `1h0m0s`, `1.5s`, `2µs`, `0s`.

use std::fmt::{Display, Formatter, Result, Write as _};

use super::GoDuration;

impl Display for GoDuration {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let nanoseconds = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_char('-')?;
        }
        match nanoseconds {
            0 => f.write_str("0s"),
            1..MICROSECOND => write!(f, "{nanoseconds}ns"),
            MICROSECOND..MILLISECOND => decimal(f, nanoseconds, MICROSECOND, "µs"),
            MILLISECOND..SECOND => decimal(f, nanoseconds, MILLISECOND, "ms"),
            SECOND.. => clock(f, nanoseconds),
        }
    }
}

/// Writes hours if there are any, minutes if there are any or hours, and seconds.
fn clock(f: &mut Formatter<'_>, nanoseconds: u64) -> Result {
    let (minutes, seconds) = (nanoseconds / MINUTE, nanoseconds % MINUTE);
    if minutes >= 60 {
        write!(f, "{}h", minutes / 60)?;
    }
    if minutes > 0 {
        write!(f, "{}m", minutes % 60)?;
    }
    decimal(f, seconds, SECOND, "s")
}

/// Writes nanoseconds in a larger unit, a power of ten, without trailing zeros.
fn decimal(f: &mut Formatter<'_>, nanoseconds: u64, unit: u64, name: &str) -> Result {
    write!(f, "{}", nanoseconds / unit)?;
    let (mut rest, mut digit) = (nanoseconds % unit, unit / 10);
    if rest > 0 {
        f.write_char('.')?;
    }
    while rest > 0 {
        write!(f, "{}", rest / digit)?;
        (rest, digit) = (rest % digit, digit / 10);
    }
    f.write_str(name)
}

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
