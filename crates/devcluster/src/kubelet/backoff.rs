//! The wait between two attempts at the same thing.

use std::time::Duration;

use super::options::Retry;

/// Doubles with each failure; only a success starts it over.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
    retry: Retry,
    last: Option<Duration>,
}

impl Backoff {
    pub(super) fn new(retry: Retry) -> Self {
        Self { retry, last: None }
    }

    /// How long to wait after one more failure.
    pub(super) fn failed(&mut self) -> Duration {
        let next = match self.last {
            None => self.retry.first,
            Some(last) => last.saturating_mul(2).min(self.retry.longest),
        };
        self.last = Some(next);
        next
    }

    pub(super) fn succeeded(&mut self) {
        self.last = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_start_over_after_a_success() {
        let mut backoff = Backoff::new(Retry::default());
        let waits: Vec<u128> = (0..10).map(|_| backoff.failed().as_millis()).collect();
        assert_eq!(
            waits,
            [
                500, 1000, 2000, 4000, 8000, 16000, 32000, 64000, 122_000, 122_000
            ]
        );
        backoff.succeeded();
        assert_eq!(backoff.failed().as_millis(), 500);
    }
}
