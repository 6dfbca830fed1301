//! When to try again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Delays that double from `first` to `cap`, each between a half and the whole of that.
///
/// The spread keeps replicas and requests that failed together from coming back together.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// After the first failure.
    pub first: Duration,
    /// The most, but for what the server asks for.
    pub cap: Duration,
}

impl Retry {
    /// Returns how long to wait after this many failures in a row (at least one).
    ///
    /// Never sooner than the server asked for with `Retry-After`, which is believed up to
    /// [`MOST_RETRY_AFTER`]. Pure: `chance` in `0.0..1.0` is the caller's.
    #[must_use]
    pub fn delay(self, failures: u32, retry_after: Option<Duration>, chance: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let whole = self.first.saturating_mul(1 << doublings).min(self.cap);
        let spread = whole.mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0));
        let asked = retry_after.unwrap_or_default().min(MOST_RETRY_AFTER);
        if asked > spread {
            asked.saturating_add(self.first.mul_f64(chance))
        } else {
            spread
        }
    }
}

/// Counts failures in a row.
#[derive(Clone, Debug)]
pub struct Backoff {
    retry: Retry,
    failures: u32,
}

impl Backoff {
    /// No failures yet.
    #[must_use]
    pub fn new(retry: Retry) -> Self {
        Self { retry, failures: 0 }
    }

    /// Returns how long to wait after one more failure.
    pub fn next(&mut self, retry_after: Option<Duration>, chance: f64) -> Duration {
        self.failures = self.failures.saturating_add(1);
        self.retry.delay(self.failures, retry_after, chance)
    }

    /// After a success.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

/// Draws a number in `0.0..1.0`, good enough to spread retries: from the standard library's own
/// hash seeds, which differ on every call.
#[must_use]
pub fn chance() -> f64 {
    let bits = u32::try_from(RandomState::new().hash_one(0_u8) >> 32).unwrap_or(0);
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

/// A server that asks for more is not believed: an hour of nothing is an outage.
const MOST_RETRY_AFTER: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Retry = Retry {
        first: Duration::from_secs(1),
        cap: Duration::from_secs(60),
    };

    #[test]
    fn doubles_up_to_the_cap_and_spreads_over_its_upper_half() {
        for (failures, whole) in [
            (0, 1),
            (1, 1),
            (2, 2),
            (3, 4),
            (6, 32),
            (7, 60),
            (32, 60),
            (u32::MAX, 60),
        ] {
            let whole = Duration::from_secs(whole);
            assert_eq!(RETRY.delay(failures, None, 0.0), whole / 2, "{failures}");
            assert!(RETRY.delay(failures, None, 0.999) < whole, "{failures}");
        }
    }

    #[test]
    fn waits_for_what_the_server_asks_within_reason() {
        let after = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(RETRY.delay(1, after(30), 0.0), Duration::from_secs(30));
        assert_eq!(RETRY.delay(7, after(1), 0.0), Duration::from_secs(30));
        assert_eq!(RETRY.delay(1, after(u64::MAX), 0.0), MOST_RETRY_AFTER);
    }

    #[test]
    fn chance_stays_in_its_range_and_varies() {
        let draws: Vec<f64> = (0..100).map(|_| chance()).collect();
        assert!(draws.iter().all(|draw| (0.0..1.0).contains(draw)));
        assert!(draws.windows(2).any(|pair| pair[0] != pair[1]));
    }
}
