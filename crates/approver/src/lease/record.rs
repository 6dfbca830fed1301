//! Reads and writes the lease's record. Pure: the caller supplies both clocks.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use tokio::time::Instant;

/// The state of the lease as seen by a replica that wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LeaseState {
    /// Nobody holds it, or its holder has not renewed it in time.
    Free,
    /// We hold it already: an answer was lost, or the API server was unavailable.
    Ours,
    /// Somebody holds it, and keeps it until then unless it is renewed.
    Held {
        /// By our own clock.
        until: Instant,
    },
}

/// The record as last observed, and since when it has been unchanged by our own clock.
#[derive(Debug, Default)]
pub(super) struct Observation {
    seen: Option<(LeaseSpec, Instant)>,
}

impl Observation {
    /// Notes what the record is now, and says what it means for `identity`.
    pub(super) fn note(
        &mut self,
        lease: &Lease,
        identity: &str,
        default: Duration,
        now: Instant,
    ) -> LeaseState {
        let spec = lease.spec.clone().unwrap_or_default();
        let since = match &self.seen {
            Some((seen, since)) if *seen == spec => *since,
            Some(_) | None => now,
        };
        let standing = match spec.holder_identity.as_deref() {
            None | Some("") => LeaseState::Free,
            Some(holder) if holder == identity => LeaseState::Ours,
            Some(_other) => {
                let until = since + patience(&spec, default);
                if until <= now {
                    LeaseState::Free
                } else {
                    LeaseState::Held { until }
                }
            }
        };
        self.seen = Some((spec, since));
        standing
    }
}

/// How long the holder wants others to wait; `default` if it does not say.
fn patience(spec: &LeaseSpec, default: Duration) -> Duration {
    spec.lease_duration_seconds
        .and_then(|seconds| u64::try_from(seconds).ok())
        .filter(|seconds| *seconds > 0)
        .map_or(default, Duration::from_secs)
}

/// Returns a lease that does not exist yet; `spec` is what an earlier one of that name said.
pub(super) fn named(name: &str, spec: Option<LeaseSpec>) -> Lease {
    Lease {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        spec,
    }
}

/// Returns the lease as it is once `identity` took it. Counts a transition if the holder is another
/// than before.
pub(super) fn acquired(
    mut lease: Lease,
    identity: &str,
    duration: Duration,
    now: Timestamp,
) -> Lease {
    let spec = lease.spec.get_or_insert_default();
    if spec.holder_identity.as_deref() != Some(identity) {
        let before = spec
            .lease_transitions
            .filter(|_| spec.holder_identity.is_some());
        spec.lease_transitions = Some(before.map_or(0, |count| count.saturating_add(1)));
        spec.acquire_time = Some(MicroTime(now));
        spec.holder_identity = Some(identity.to_owned());
    }
    spec.lease_duration_seconds = Some(i32::try_from(duration.as_secs()).unwrap_or(i32::MAX));
    spec.renew_time = Some(later(spec.renew_time.as_ref(), now));
    lease
}

/// Returns the time to write: now, but always later than what is there. Others judge us by whether
/// the record changes, and it must do so even if our clock stands still or is set back.
fn later(before: Option<&MicroTime>, now: Timestamp) -> MicroTime {
    let least = before.and_then(|before| before.0.checked_add(MICROSECOND).ok());
    MicroTime(least.map_or(now, |least| least.max(now)))
}

/// Returns the lease as it is once its holder has released it: available at once.
pub(super) fn released(mut lease: Lease, now: Timestamp) -> Lease {
    let spec = lease.spec.get_or_insert_default();
    spec.holder_identity = Some(String::new());
    // client-go writes 1: zero is refused by the API server's validation.
    spec.lease_duration_seconds = Some(1);
    spec.renew_time = Some(MicroTime(now));
    lease
}

/// Whether the record names `identity` as holder.
pub(super) fn is_held_by(lease: &Lease, identity: &str) -> bool {
    lease
        .spec
        .as_ref()
        .and_then(|spec| spec.holder_identity.as_deref())
        == Some(identity)
}

/// The resolution of times in a lease.
const MICROSECOND: Duration = Duration::from_micros(1);

#[cfg(test)]
mod tests {
    use super::*;

    const FIFTEEN: Duration = Duration::from_secs(15);

    fn created(name: &str, identity: &str, duration: Duration, now: Timestamp) -> Lease {
        acquired(named(name, None), identity, duration, now)
    }

    fn held(holder: &str, written: &str, seconds: Option<i32>) -> Lease {
        let mut lease = created("x", holder, FIFTEEN, written.parse().unwrap());
        lease.spec.as_mut().unwrap().lease_duration_seconds = seconds;
        lease
    }

    #[tokio::test(start_paused = true)]
    async fn a_holder_is_stale_by_our_clock_whatever_time_it_wrote() {
        for written in [
            "1970-01-01T00:00:00Z",
            "2026-11-23T10:00:00Z",
            "9000-01-01T00:00:00Z",
        ] {
            let mut observation = Observation::default();
            let lease = held("other", written, Some(15));
            let start = Instant::now();
            let mut after = |seconds| {
                let now = start + Duration::from_secs(seconds);
                observation.note(&lease, "me", FIFTEEN, now)
            };
            assert_eq!(
                after(0),
                LeaseState::Held {
                    until: start + FIFTEEN
                },
                "{written}"
            );
            assert_eq!(
                after(14),
                LeaseState::Held {
                    until: start + FIFTEEN
                },
                "{written}"
            );
            assert_eq!(after(15), LeaseState::Free, "{written}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn every_renewal_starts_the_wait_anew() {
        let mut observation = Observation::default();
        let start = Instant::now();
        for (seconds, written) in [(0, "10:00:00"), (14, "10:00:02"), (28, "10:00:04")] {
            let lease = held("other", &format!("2026-11-23T{written}Z"), Some(15));
            let now = start + Duration::from_secs(seconds);
            let standing = observation.note(&lease, "me", FIFTEEN, now);
            assert_eq!(
                standing,
                LeaseState::Held {
                    until: now + FIFTEEN
                },
                "{seconds}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_holder_says_how_long_others_wait() {
        let now = Instant::now();
        for (seconds, wait) in [
            (Some(60), 60),
            (Some(1), 1),
            (Some(0), 15),
            (Some(-5), 15),
            (None, 15),
        ] {
            let lease = held("other", "2026-11-23T10:00:00Z", seconds);
            let standing = Observation::default().note(&lease, "me", FIFTEEN, now);
            let until = now + Duration::from_secs(wait);
            assert_eq!(standing, LeaseState::Held { until }, "{seconds:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_without_holder_is_free_and_our_own_is_ours() {
        let now = Instant::now();
        let note = |lease: &Lease| Observation::default().note(lease, "me", FIFTEEN, now);
        assert_eq!(note(&Lease::default()), LeaseState::Free);
        assert_eq!(
            note(&held("", "2026-11-23T10:00:00Z", Some(15))),
            LeaseState::Free
        );
        assert_eq!(
            note(&held("me", "2026-11-23T10:00:00Z", Some(15))),
            LeaseState::Ours
        );
        let gone = released(
            held("other", "2026-11-23T10:00:00Z", Some(15)),
            Timestamp::UNIX_EPOCH,
        );
        assert_eq!(note(&gone), LeaseState::Free);
    }

    #[test]
    fn every_renewal_changes_the_record_whatever_the_clock_does() {
        let written = |lease: &Lease| {
            let lease = serde_json::to_value(lease).unwrap();
            lease["spec"]["renewTime"].as_str().unwrap().to_owned()
        };
        let start: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let mut lease = created("x", "a", FIFTEEN, start);
        let past = start - Duration::from_secs(3600);
        for now in [start, start, past, Timestamp::MIN, Timestamp::MAX] {
            let before = written(&lease);
            lease = acquired(lease, "a", FIFTEEN, now);
            assert!(written(&lease) > before, "{now}");
        }
    }

    #[test]
    fn transitions_count_changes_of_holder_only() {
        let now = Timestamp::UNIX_EPOCH;
        let transitions = |lease: &Lease| lease.spec.as_ref().unwrap().lease_transitions;
        let first = created("x", "a", FIFTEEN, now);
        assert_eq!(transitions(&first), Some(0));
        let renewed = acquired(first, "a", FIFTEEN, now);
        assert_eq!(transitions(&renewed), Some(0));
        let taken = acquired(released(renewed, now), "b", FIFTEEN, now);
        assert_eq!(transitions(&taken), Some(1));
        assert!(is_held_by(&taken, "b") && !is_held_by(&taken, "a"));
    }
}
