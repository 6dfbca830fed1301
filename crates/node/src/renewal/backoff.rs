//! How long to wait after a failure.

use std::time::Duration;

/// Counts failures in a row and says how long to wait after each.
#[derive(Clone, Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after one more failure: 1 s, doubling up to two minutes, of which chance takes
    /// away up to a third.
    ///
    /// While a valid certificate has `remaining` left, the wait is capped at a tenth of that, but
    /// never under 5 s, so that several tries fit in before the pod is without; pass None for a
    /// volume without a certificate or with an expired one. `chance` is in 0.0..1.0. A server's
    /// Retry-After, `at_least`, is kept as far as the two minutes go.
    pub fn next(
        &mut self,
        remaining: Option<Duration>,
        at_least: Option<Duration>,
        chance: f64,
    ) -> Duration {
        let doubled = FIRST.saturating_mul(1_u32 << self.failures.min(MOST_DOUBLINGS));
        self.failures = self.failures.saturating_add(1);
        let cap = remaining.map_or(LONGEST, |left| (left / 10).clamp(SHORTEST_CAP, LONGEST));
        let wait = doubled.min(cap);
        let jittered = wait.mul_f64(1.0 - chance.clamp(0.0, 1.0) / 3.0);
        jittered.max(at_least.unwrap_or_default().min(LONGEST))
    }

    /// Failures since the last success.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// After a success.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

/// Halved, an issuer that refuses everything is asked twice as often at first.
const FIRST: Duration = Duration::from_secs(1);
/// The kubelet's own longest wait between two publishes is 2 min 2 s.
const LONGEST: Duration = Duration::from_secs(120);
/// Under it a node full of expiring volumes would ask an ailing API server all the time.
const SHORTEST_CAP: Duration = Duration::from_secs(5);
/// 2^7 s is over [`LONGEST`].
const MOST_DOUBLINGS: u32 = 7;

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(remaining: Option<u64>, chance: f64) -> Vec<u64> {
        let mut backoff = Backoff::default();
        (0..10)
            .map(|_| {
                backoff
                    .next(remaining.map(Duration::from_secs), None, chance)
                    .as_secs()
            })
            .collect()
    }

    #[test]
    fn waits_double_up_to_two_minutes() {
        assert_eq!(waits(None, 0.0), [1, 2, 4, 8, 16, 32, 64, 120, 120, 120]);
    }

    #[test]
    fn chance_takes_away_at_most_a_third() {
        assert_eq!(waits(None, 1.0)[7], 80);
        assert_eq!(waits(None, 0.5)[7], 100);
    }

    #[test]
    fn before_expiry_the_cap_is_a_tenth_of_what_remains_but_not_under_5_seconds() {
        assert_eq!(waits(Some(400), 0.0), [1, 2, 4, 8, 16, 32, 40, 40, 40, 40]);
        assert_eq!(waits(Some(10), 0.0), [1, 2, 4, 5, 5, 5, 5, 5, 5, 5]);
        assert_eq!(waits(Some(100_000), 0.0)[9], 120);
    }

    #[test]
    fn a_success_starts_anew() {
        let mut backoff = Backoff::default();
        for _ in 0..40 {
            backoff.next(None, None, 0.0);
        }
        assert_eq!(backoff.failures(), 40);
        backoff.reset();
        assert_eq!(backoff.next(None, None, 0.0), Duration::from_secs(1));
    }

    #[test]
    fn a_retry_after_is_kept_up_to_two_minutes() {
        let mut backoff = Backoff::default();
        let after = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(backoff.next(None, after(30), 0.0), Duration::from_secs(30));
        assert_eq!(
            backoff.next(None, after(3600), 0.0),
            Duration::from_secs(120)
        );
        assert_eq!(backoff.next(None, after(1), 0.0), Duration::from_secs(4));
    }
}
