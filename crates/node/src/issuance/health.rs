//! Whether the API server answers at all.
//!
//! An outage is a time in which no call has succeeded. Only the end of one that lasted is news for
//! whoever waits: while some calls work and others do not, every backoff stays in force.

use std::time::Duration;

use svid_client::ApiError;
use tokio::sync::watch::Sender;
use tokio::time::{Instant, sleep};

/// Notifies waiting tasks that the API server answers again.
#[derive(Clone, Debug, Default)]
pub struct ApiHealth(Sender<Health>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Health {
    /// The first call that failed since one succeeded.
    away_since: Option<Instant>,
    recoveries: u64,
    /// How long the last outage was.
    outage: Duration,
}

impl ApiHealth {
    /// Ends when the API server is back after an outage, but not before a quarter of `pause`, which
    /// is the backoff that this cuts short. All who wait are spread over some time, which grows with
    /// their number and with the outage: as long as it lasts, renewals become due on every node.
    /// `chance` is from 0 to 1.
    pub async fn back(&self, pause: Duration, chance: f64) {
        let mut health = self.0.subscribe();
        let before = health.borrow_and_update().recoveries;
        sleep(pause / 4).await;
        // The sender lives as long as `self`.
        let ended = health.wait_for(|now| now.recoveries != before).await;
        let outage = ended.map(|health| health.outage).unwrap_or_default();
        let waiting = u32::try_from(self.0.receiver_count()).unwrap_or(u32::MAX);
        sleep(spread(outage, waiting).mul_f64(chance)).await;
    }

    pub(super) fn note<T>(&self, result: &Result<T, ApiError>) {
        let answers = !matches!(
            result,
            Err(ApiError::Unreachable(_) | ApiError::TimedOut(_))
        );
        self.0.send_if_modified(|health| match health.away_since {
            None if !answers => {
                health.away_since = Some(Instant::now());
                false
            }
            Some(since) if answers => {
                health.away_since = None;
                health.outage = since.elapsed();
                let lasted = health.outage >= OUTAGE;
                health.recoveries += u64::from(lasted);
                lasted
            }
            None | Some(_) => false,
        });
    }
}

fn spread(outage: Duration, waiting: u32) -> Duration {
    (outage / 60)
        .saturating_add(PER_WAITING.saturating_mul(waiting))
        .clamp(SHORTEST_SPREAD, LONGEST_SPREAD)
}

/// Shorter failures are not an outage: one of several API servers is restarted, or a call was slow.
const OUTAGE: Duration = Duration::from_secs(10);
/// Twenty per second and node.
const PER_WAITING: Duration = Duration::from_millis(50);
const SHORTEST_SPREAD: Duration = Duration::from_secs(2);
/// If this were longer, the backoff of two minutes would end first.
const LONGEST_SPREAD: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    const GONE: Result<(), ApiError> = Err(ApiError::TimedOut(Duration::from_secs(10)));

    async fn waits(health: &ApiHealth, pause: u64, work: impl Future<Output = ()>) -> Duration {
        let start = Instant::now();
        let back = health.back(Duration::from_secs(pause), 1.0);
        tokio::join!(back, work);
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_an_outage_ends_a_wait_within_its_spread() {
        let health = ApiHealth::default();
        let ending = async {
            health.note(&GONE);
            sleep(Duration::from_secs(60)).await;
            health.note(&Ok(()));
        };
        let waited = waits(&health, 120, ending).await;
        assert_eq!(waited, Duration::from_secs(62));
    }

    #[tokio::test(start_paused = true)]
    async fn a_quarter_of_the_backoff_is_waited_in_any_case() {
        let health = ApiHealth::default();
        health.note(&GONE);
        sleep(Duration::from_secs(60)).await;
        let waited = waits(&health, 80, async { health.note(&Ok(())) }).await;
        assert_eq!(waited, Duration::from_secs(22));
    }

    #[tokio::test(start_paused = true)]
    async fn an_api_server_that_half_works_wakes_nobody() {
        let health = ApiHealth::default();
        let mut back = Box::pin(health.back(Duration::from_secs(1), 1.0));
        for _ in 0..100 {
            health.note(&GONE);
            sleep(Duration::from_secs(9)).await;
            health.note(&Ok(()));
            assert!((&mut back).now_or_never().is_none());
        }
    }

    #[test]
    fn the_spread_grows_with_the_outage_and_with_those_who_wait() {
        let seconds = |outage, waiting| spread(Duration::from_secs(outage), waiting).as_secs();
        assert_eq!(seconds(10, 1), 2);
        assert_eq!(seconds(600, 1), 10);
        assert_eq!(seconds(600, 200), 20);
        assert_eq!(seconds(600, 1000), 30);
        assert_eq!(seconds(86_400, u32::MAX), 30);
    }
}
