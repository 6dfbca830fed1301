//! The lifetime is exactly the one that the administrator enforces.
//!
//! Stops: a compromised pod that requests a certificate for ten years, or without a lifetime, which
//! the issuer treats as ninety days. Allowed: `1h`, `60m` or `3600s` if one hour is enforced: only
//! the length counts. Refused: one nanosecond more or less, an absent duration, text that is not a
//! Go duration. Source: the driver's flag `--certificate-request-duration`; cert-manager API,
//! `CertificateRequestSpec.duration`.

use std::time::Duration;

use super::{Rule, RuleResult, broken};
use crate::policy::request::DurationField;
use crate::text::quote;

/// Compares to the nanosecond.
pub(in crate::policy) fn check(duration: &DurationField, enforced: Duration) -> RuleResult {
    match duration {
        DurationField::Nanoseconds(given)
            if u128::try_from(*given).is_ok_and(|given| given == enforced.as_nanos()) =>
        {
            Ok(())
        }
        DurationField::Nanoseconds(given) => {
            let given = Seconds(i128::from(*given));
            let wanted = Seconds(i128::try_from(enforced.as_nanos()).unwrap_or(i128::MAX));
            broken(
                Rule::Duration,
                format!("duration must be {wanted}, not {given}"),
            )
        }
        DurationField::Absent => {
            let wanted = Seconds(i128::try_from(enforced.as_nanos()).unwrap_or(i128::MAX));
            broken(Rule::Duration, format!("duration must be set to {wanted}"))
        }
        DurationField::Malformed(text) => {
            let text = quote(text);
            broken(
                Rule::Duration,
                format!("duration {text} is not a duration such as 1h or 90m"),
            )
        }
    }
}

/// Nanoseconds, shown as seconds without losing any.
struct Seconds(i128);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, part) = (self.0.unsigned_abs() / NANOS, self.0.unsigned_abs() % NANOS);
        if part == 0 {
            write!(f, "{sign}{whole}s")
        } else {
            let part = format!("{part:09}");
            write!(f, "{sign}{whole}.{}s", part.trim_end_matches('0'))
        }
    }
}

const NANOS: u128 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const HOUR_NANOS: i64 = 3_600_000_000_000;

    #[test]
    fn an_enforced_length_beyond_what_can_be_asked_for_is_never_met() {
        for nanos in [i64::MAX, i64::MIN, -1, 0] {
            assert!(check(&DurationField::Nanoseconds(nanos), Duration::MAX).is_err());
        }
    }

    #[test]
    fn tells_both_lengths_without_rounding() {
        let violation = check(&DurationField::Nanoseconds(HOUR_NANOS + 1), HOUR).unwrap_err();
        assert_eq!(
            violation.text(),
            "duration must be 3600s, not 3600.000000001s"
        );
    }
}
