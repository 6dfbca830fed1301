//! How often Events may be sent. Pure: the time is an argument.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::EventReason;

/// Whether an Event may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SendDecision {
    /// Send it.
    Send,
    /// The pod has had this report within [`QUIET`].
    Repeated,
    /// Too much was sent recently.
    RateLimited,
}

/// What was sent recently: by pod and reason, and in total.
#[derive(Debug)]
pub(super) struct Limits {
    told: HashMap<(String, EventReason), Instant>,
    tokens: u32,
    counted_at: Instant,
}

impl Limits {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            told: HashMap::new(),
            tokens: BURST,
            counted_at: now,
        }
    }

    /// Judges a report and, if it may be sent, counts it as sent.
    pub(super) fn judge(
        &mut self,
        pod_uid: &str,
        reason: EventReason,
        now: Instant,
    ) -> SendDecision {
        self.refill(now);
        let key = (pod_uid.to_owned(), reason);
        let quiet = |told: &Instant| now.duration_since(*told) < QUIET;
        if self.told.get(&key).is_some_and(quiet) {
            return SendDecision::Repeated;
        }
        let Some(left) = self.tokens.checked_sub(1) else {
            return SendDecision::RateLimited;
        };
        self.tokens = left;
        self.told.retain(|_, told| quiet(told));
        self.told.insert(key, now);
        SendDecision::Send
    }

    /// Forgets a report because sending it failed.
    pub(super) fn forget(&mut self, pod_uid: &str, reason: EventReason) {
        self.told.remove(&(pod_uid.to_owned(), reason));
    }

    fn refill(&mut self, now: Instant) {
        while self.tokens < BURST && now.duration_since(self.counted_at) >= REFILL {
            self.tokens += 1;
            self.counted_at += REFILL;
        }
        if self.tokens == BURST {
            self.counted_at = now;
        }
    }
}

/// How long the same report is not repeated for a pod. An Event lives an hour; `kubectl describe`
/// shows its age, so it should be renewed before people take it for outdated.
const QUIET: Duration = Duration::from_secs(5 * 60);

/// Events at once: roughly as many as there are pods that start together on a node.
const BURST: u32 = 25;

/// After a burst, one Event in this time: a cluster of 5000 nodes in trouble then makes 500 per
/// second, which its API server can bear. At ten times that rate, our Events would themselves be
/// the problem.
const REFILL: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use EventReason::{Denied, TimedOut};

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_pod_is_told_the_same_once_in_five_minutes() {
        let start = Instant::now();
        let mut limits = Limits::new(start);
        let table = [
            (0, "a", Denied, SendDecision::Send),
            (0, "a", Denied, SendDecision::Repeated),
            (0, "a", TimedOut, SendDecision::Send),
            (0, "b", Denied, SendDecision::Send),
            (299, "a", Denied, SendDecision::Repeated),
            (300, "a", Denied, SendDecision::Send),
            (301, "a", Denied, SendDecision::Repeated),
        ];
        for (seconds, pod, reason, verdict) in table {
            assert_eq!(
                limits.judge(pod, reason, start + seconds * SECOND),
                verdict,
                "{seconds} s"
            );
        }
    }

    #[test]
    fn a_flood_is_cut_to_a_burst_and_one_in_ten_seconds() {
        let start = Instant::now();
        let mut limits = Limits::new(start);
        let mut sent = |seconds: u32| {
            let pods = (0..1000).map(|pod| format!("{seconds}-{pod}"));
            pods.filter(|pod| {
                limits.judge(pod, Denied, start + seconds * SECOND) == SendDecision::Send
            })
            .count()
        };
        let table = [
            (0, 25),
            (9, 0),
            (10, 1),
            (11, 0),
            (29, 1),
            (30, 1),
            (3600, 25),
            (3609, 0),
        ];
        for (seconds, count) in table {
            assert_eq!(sent(seconds), count, "at {seconds} s");
        }
    }

    #[test]
    fn what_could_not_be_sent_may_be_said_again_and_nothing_is_remembered_for_ever() {
        let start = Instant::now();
        let mut limits = Limits::new(start);
        assert_eq!(limits.judge("a", Denied, start), SendDecision::Send);
        limits.forget("a", Denied);
        assert_eq!(limits.judge("a", Denied, start), SendDecision::Send);
        for round in 0..1000 {
            limits.judge(&round.to_string(), Denied, start + round * 20 * SECOND);
        }
        assert!(limits.told.len() <= 16, "{}", limits.told.len());
    }
}
