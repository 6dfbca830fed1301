//! Reading a duration: `[-+]?([0-9]*(\.[0-9]*)?unit)+`, or a bare `0` with or without a sign.

use std::str::FromStr;

use super::GoDuration;

impl FromStr for GoDuration {
    type Err = GoDurationError;

    /// Reads what Go's `time.ParseDuration` reads, to the same number of nanoseconds.
    ///
    /// # Errors
    /// Exactly when Go returns one.
    fn from_str(text: &str) -> Result<Self, GoDurationError> {
        let (sign, mut rest) = match text.as_bytes().first() {
            Some(b'-') => (Sign::Minus, text.get(1..).unwrap_or_default()),
            Some(b'+') => (Sign::Plus, text.get(1..).unwrap_or_default()),
            _ => (Sign::Plus, text),
        };
        if rest == "0" {
            return Ok(Self(0));
        }
        if rest.is_empty() {
            return Err(GoDurationError::Malformed);
        }
        let mut total = 0_u64;
        while !rest.is_empty() {
            let term;
            (term, rest) = term_of(rest)?;
            // Go checks the sum after it may have wrapped (2^63 + 2^63 = 0), so two such terms
            // cancel out. We parse what Go parses: both sides of a request must see the same
            // lifetime.
            total = total.wrapping_add(term);
            if total > LARGEST {
                return Err(GoDurationError::TooLong);
            }
        }
        match sign {
            Sign::Minus => Ok(Self(total.wrapping_neg().cast_signed())),
            Sign::Plus => i64::try_from(total)
                .map(Self)
                .map_err(|_above| GoDurationError::TooLong),
        }
    }
}

/// Why a text is not a duration. Does not repeat the text, which may be long and written by anyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GoDurationError {
    /// Empty, or no digits where digits belong.
    #[error("reading a duration: not a number with a unit, such as 1h30m")]
    Malformed,
    /// A number without a unit.
    #[error("reading a duration: a number has no unit; use ns, us, ms, s, m or h")]
    MissingUnit,
    /// A unit that Go does not know; days, for one.
    #[error("reading a duration: unknown unit; use ns, us, ms, s, m or h")]
    UnknownUnit,
    /// More than about 292 years.
    #[error("reading a duration: longer than 292 years")]
    TooLong,
}

#[derive(Clone, Copy)]
enum Sign {
    Plus,
    Minus,
}

/// Reads one number and its unit. Returns nanoseconds, at most [`LARGEST`], and what follows.
fn term_of(text: &str) -> Result<(u64, &str), GoDurationError> {
    let (whole, rest) = split_digits(text);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => split_digits(rest),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(GoDurationError::Malformed);
    }
    // Go reads the number before it looks for the unit, so a number that is too large is the first
    // error.
    let whole = number(whole)?;
    let end = rest
        .find(|c: char| c == '.' || c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (unit, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let unit = nanoseconds_of(unit)?;
    let term = whole
        .checked_mul(unit)
        .and_then(|term| term.checked_add(part_of(unit, fraction)))
        .filter(|term| *term <= LARGEST)
        .ok_or(GoDurationError::TooLong)?;
    Ok((term, rest))
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn number(digits: &str) -> Result<u64, GoDurationError> {
    digits
        .bytes()
        .try_fold(0_u64, |sum, digit| {
            sum.checked_mul(10)?
                .checked_add(u64::from(digit.wrapping_sub(b'0')))
        })
        .filter(|sum| *sum <= LARGEST)
        .ok_or(GoDurationError::TooLong)
}

/// Returns the decimal fraction of a unit in nanoseconds, rounded as Go rounds: digits beyond what
/// 63 bits hold are ignored, and the product is computed in floating point and truncated.
#[expect(clippy::cast_precision_loss, reason = "Go loses the same bits")]
#[expect(
    clippy::cast_possible_truncation,
    reason = "cut towards zero, as Go does"
)]
#[expect(
    clippy::cast_sign_loss,
    reason = "product of two numbers that are not negative"
)]
fn part_of(unit: u64, fraction: &str) -> u64 {
    let (mut value, mut scale) = (0_u64, 1_f64);
    for digit in fraction.bytes() {
        if value > I64_MAX / 10 {
            break;
        }
        let next = value * 10 + u64::from(digit.wrapping_sub(b'0'));
        if next > LARGEST {
            break;
        }
        value = next;
        scale *= 10.0;
    }
    (value as f64 * (unit as f64 / scale)) as u64
}

fn nanoseconds_of(unit: &str) -> Result<u64, GoDurationError> {
    match unit {
        "" => Err(GoDurationError::MissingUnit),
        "ns" => Ok(1),
        // The last two are U+00B5 (micro sign) and U+03BC (Greek mu).
        "us" | "\u{b5}s" | "\u{3bc}s" => Ok(1_000),
        "ms" => Ok(1_000_000),
        "s" => Ok(1_000_000_000),
        "m" => Ok(60_000_000_000),
        "h" => Ok(3_600_000_000_000),
        _ => Err(GoDurationError::UnknownUnit),
    }
}

/// 2^63 nanoseconds: the largest possible value, and that only with a minus.
const LARGEST: u64 = 1 << 63;

const I64_MAX: u64 = LARGEST - 1;
