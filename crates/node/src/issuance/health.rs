//! Whether the API server answers at all.
//!
//! An outage is a time in which no call of a kind has succeeded. Only the end of one that lasted is
//! news for whoever waits to repeat such a call: creates may hang on a webhook while deletes are
//! answered, and while some calls work and others do not, every backoff stays in force. If calls of
//! several kinds failed and none succeeded, the first that succeeds speaks for all.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use svid_client::ApiError;
use tokio::sync::watch::Sender;
use tokio::time::{Instant, sleep};

/// Notifies waiting tasks that the API server answers again.
#[derive(Clone, Debug, Default)]
pub struct ApiHealth(Sender<Health>);

/// Calls that fail and work together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Calls {
    /// Creates, which admission webhooks may keep.
    Creates,
    /// Reads and watches.
    Looks,
    /// Deletes.
    Deletes,
}

#[derive(Clone, Debug, Default)]
struct Health {
    kinds: BTreeMap<Calls, Series>,
    /// All calls, whatever their kind.
    all: Series,
    /// The kinds of the calls that failed since one succeeded.
    failing: BTreeSet<Calls>,
    /// How long the last outage was.
    outage: Duration,
}

/// The outcomes of some calls.
#[derive(Clone, Copy, Debug, Default)]
struct Series {
    /// The first that failed since one succeeded.
    away_since: Option<Instant>,
    recoveries: u64,
}

impl Series {
    fn fail(&mut self) {
        self.away_since.get_or_insert_with(Instant::now);
    }

    /// Returns how long the outage was, if one ended that lasted.
    fn succeed(&mut self) -> Option<Duration> {
        let outage = self.away_since.take()?.elapsed();
        let outage = Some(outage).filter(|outage| *outage >= OUTAGE)?;
        self.recoveries += 1;
        Some(outage)
    }
}

impl Health {
    fn fail(&mut self, calls: Calls) {
        self.kinds.entry(calls).or_default().fail();
        self.all.fail();
        self.failing.insert(calls);
    }

    /// Returns whether an outage ended that lasted.
    fn succeed(&mut self, calls: Calls) -> bool {
        let of_kind = self.kinds.entry(calls).or_default().succeed();
        if self.failing.len() < SEVERAL {
            self.all.away_since = None;
        }
        self.failing.clear();
        let outage = self.all.succeed().max(of_kind);
        self.outage = outage.unwrap_or(self.outage);
        outage.is_some()
    }

    /// How many outages ended that concerned these calls.
    fn recoveries(&self, calls: Calls) -> u64 {
        let of_kind = self.kinds.get(&calls);
        of_kind.map_or(0, |series| series.recoveries) + self.all.recoveries
    }
}

impl ApiHealth {
    /// Ends when such calls work again after an outage, but not before a quarter of `pause`, which
    /// is the backoff that this cuts short. Waiting tasks are spread over a period that grows with
    /// their number and with the length of the outage: while it lasts, renewals become due on every
    /// node. `chance` is from 0 to 1.
    pub async fn back(&self, calls: Calls, pause: Duration, chance: f64) {
        let mut health = self.0.subscribe();
        let before = health.borrow_and_update().recoveries(calls);
        sleep(pause / 4).await;
        // The sender lives as long as `self`.
        let ended = health.wait_for(|now| now.recoveries(calls) != before).await;
        let outage = ended.map(|health| health.outage).unwrap_or_default();
        let waiting = u32::try_from(self.0.receiver_count()).unwrap_or(u32::MAX);
        sleep(spread(outage, waiting).mul_f64(chance)).await;
    }

    pub(super) fn note<T>(&self, calls: Calls, result: &Result<T, ApiError>) {
        let answers = !matches!(
            result,
            Err(ApiError::Unreachable(_) | ApiError::TimedOut(_))
        );
        self.0.send_if_modified(|health| {
            if answers {
                return health.succeed(calls);
            }
            health.fail(calls);
            false
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
/// Kinds of calls. One alone may have a reason of its own to fail.
const SEVERAL: usize = 2;
/// Twenty per second and node.
const PER_WAITING: Duration = Duration::from_millis(50);
const SHORTEST_SPREAD: Duration = Duration::from_secs(2);
/// If this were longer, the backoff of two minutes would end first.
const LONGEST_SPREAD: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use tokio::time::timeout;

    use super::*;

    const GONE: Result<(), ApiError> = Err(ApiError::TimedOut(Duration::from_secs(10)));

    async fn waits(health: &ApiHealth, pause: u64, work: impl Future<Output = ()>) -> Duration {
        let start = Instant::now();
        let back = health.back(Calls::Creates, Duration::from_secs(pause), 1.0);
        tokio::join!(back, work);
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_an_outage_ends_a_wait_within_its_spread() {
        let health = ApiHealth::default();
        let ending = async {
            health.note(Calls::Creates, &GONE);
            sleep(Duration::from_secs(60)).await;
            health.note(Calls::Creates, &Ok(()));
        };
        let waited = waits(&health, 120, ending).await;
        assert_eq!(waited, Duration::from_secs(62));
    }

    #[tokio::test(start_paused = true)]
    async fn a_quarter_of_the_backoff_is_waited_in_any_case() {
        let health = ApiHealth::default();
        health.note(Calls::Creates, &GONE);
        sleep(Duration::from_secs(60)).await;
        let waited = waits(&health, 80, async { health.note(Calls::Creates, &Ok(())) }).await;
        assert_eq!(waited, Duration::from_secs(22));
    }

    #[tokio::test(start_paused = true)]
    async fn an_api_server_that_half_works_wakes_nobody() {
        let health = ApiHealth::default();
        let mut back = Box::pin(health.back(Calls::Creates, Duration::from_secs(1), 1.0));
        for _ in 0..100 {
            health.note(Calls::Creates, &GONE);
            sleep(Duration::from_secs(9)).await;
            health.note(Calls::Creates, &Ok(()));
            assert!((&mut back).now_or_never().is_none());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn calls_of_another_kind_that_work_say_nothing_of_those_that_fail() {
        let health = ApiHealth::default();
        let mut back = Box::pin(health.back(Calls::Creates, Duration::from_secs(1), 1.0));
        for _ in 0..100 {
            health.note(Calls::Creates, &GONE);
            sleep(Duration::from_secs(35)).await;
            health.note(Calls::Deletes, &Ok(()));
            health.note(Calls::Looks, &Ok(()));
            assert!((&mut back).now_or_never().is_none());
        }
        health.note(Calls::Creates, &Ok(()));
        // An outage of an hour is spread over half a minute.
        assert!(timeout(Duration::from_secs(31), back).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn after_an_outage_of_several_kinds_of_calls_any_that_works_speaks_for_all() {
        let health = ApiHealth::default();
        let ending = async {
            health.note(Calls::Creates, &GONE);
            health.note(Calls::Looks, &GONE);
            sleep(Duration::from_secs(60)).await;
            health.note(Calls::Deletes, &Ok(()));
        };
        let waited = waits(&health, 120, ending).await;
        assert_eq!(waited, Duration::from_secs(62));
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
