//! When to try again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Delays that double from `first` to `cap`, each shortened at random by up to a third.
///
/// The spread keeps replicas and requests that failed together from coming back together.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// The delay after the first failure.
    pub first: Duration,
    /// The longest delay, unless the server asks for more.
    pub cap: Duration,
}

/// 1 s, doubling to two minutes: the kubelet's own longest wait between two publishes is 2 min 2 s.
/// With `first` halved, an issuer that refuses everything gets twice as many requests at first.
impl Default for Retry {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            cap: Duration::from_secs(120),
        }
    }
}

impl Retry {
    /// Returns how long to wait after this many consecutive failures (at least one).
    ///
    /// Never less than the server asked for with `Retry-After`, which is honoured up to
    /// `MOST_RETRY_AFTER`. Pure: the caller supplies `chance` in `0.0..1.0`.
    #[must_use]
    pub fn delay(self, failures: u32, retry_after: Option<Duration>, chance: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let whole = self.first.saturating_mul(1 << doublings).min(self.cap);
        let chance = chance.clamp(0.0, 1.0);
        let spread = whole.mul_f64(1.0 - chance / 3.0);
        let asked = retry_after.unwrap_or_default().min(MOST_RETRY_AFTER);
        if asked > spread {
            asked.saturating_add(self.first.mul_f64(chance))
        } else {
            spread
        }
    }
}

/// Counts consecutive failures.
#[derive(Clone, Debug, Default)]
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
        self.next_within(self.retry.cap, retry_after, chance)
    }

    /// Returns how long to wait after one more failure, with another cap this time.
    pub fn next_within(
        &mut self,
        cap: Duration,
        retry_after: Option<Duration>,
        chance: f64,
    ) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let retry = Retry { cap, ..self.retry };
        retry.delay(self.failures, retry_after, chance)
    }

    /// Failures since the last success.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Resets after a success.
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

/// If a server asks for more, it is called sooner all the same: an hour without calls is an outage.
const MOST_RETRY_AFTER: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Retry = Retry {
        first: Duration::from_secs(1),
        cap: Duration::from_secs(60),
    };

    #[test]
    fn doubles_up_to_the_cap_less_up_to_a_third() {
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
            assert_eq!(RETRY.delay(failures, None, 0.0), whole, "{failures}");
            let least = RETRY.delay(failures, None, 1.0);
            let third = (whole * 2 / 3).as_secs_f64();
            assert!((least.as_secs_f64() - third).abs() < 0.001, "{failures}");
        }
    }

    #[test]
    fn waits_for_what_the_server_asks_within_reason() {
        let after = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(RETRY.delay(1, after(30), 0.0), Duration::from_secs(30));
        assert_eq!(RETRY.delay(7, after(1), 0.0), Duration::from_secs(60));
        assert_eq!(RETRY.delay(1, after(u64::MAX), 0.0), MOST_RETRY_AFTER);
    }

    #[test]
    fn a_series_doubles_begins_again_after_a_success_and_may_be_capped_for_once() {
        let mut backoff = Backoff::default();
        let seconds = Duration::from_secs;
        let waits: Vec<_> = (0..9).map(|_| backoff.next(None, 0.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 120, 120]);
        assert_eq!(backoff.next_within(seconds(5), None, 0.0), seconds(5));
        assert_eq!(backoff.failures(), 10);
        assert_eq!(backoff.next(None, 0.0), seconds(120));
        backoff.reset();
        assert_eq!(backoff.next(None, 0.0), seconds(1));
    }

    #[test]
    fn chance_stays_in_its_range_and_varies() {
        let draws: Vec<f64> = (0..100).map(|_| chance()).collect();
        assert!(draws.iter().all(|draw| (0.0..1.0).contains(draw)));
        assert!(draws.windows(2).any(|pair| pair[0] != pair[1]));
    }
}
