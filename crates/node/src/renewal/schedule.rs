//! When to renew a certificate.

use std::time::Duration;

use aws_lc_rs::digest;
use jiff::{SignedDuration, Timestamp};
use svid_client::retry::Retry;
use svid_core::svid::Window;

use crate::spec::VolumeId;

/// When to renew: when two thirds of the usable time have passed, less up to a tenth of it. The
/// usable time begins when the certificate was obtained and ends with the window.
///
/// Not with the window's start: issuers date back, by an hour at AWS Private CA, and a certificate
/// of an hour would be renewed three times as often, one of five minutes all the time.
///
/// How much less is derived from the volume and the certificate's serial number, so that a node's
/// volumes spread out and a restarted driver computes the same time.
pub fn due(window: &Window, obtained: Timestamp, volume: &VolumeId, serial: &[u8]) -> Timestamp {
    let usable = usable(window, obtained);
    let length = SignedDuration::try_from(usable.length()).unwrap_or(SignedDuration::MAX);
    let early = length.as_secs_f64() / 10.0 * spread(volume, serial);
    let wait = length.as_secs_f64() * 2.0 / 3.0 - early;
    usable
        .start
        .checked_add(SignedDuration::try_from_secs_f64(wait).unwrap_or(SignedDuration::ZERO))
        .unwrap_or(usable.end)
}

/// When a certificate was obtained that an earlier process asked for: as it was `noted`, or as its
/// dates tell, whichever is later. Issuers make it end when the lifetime that was `requested` is
/// over, but some give less than that and date it back besides; the dates of one that lasts longer
/// than was requested tell no more than its start. Not after `now`: what was noted by a clock that
/// was ahead does not count.
pub fn obtained(
    window: &Window,
    requested: Duration,
    (noted, now): (Option<Timestamp>, Timestamp),
) -> Timestamp {
    let requested = SignedDuration::try_from(requested).unwrap_or(SignedDuration::MAX);
    let begun = window.end.checked_sub(requested);
    let begun = begun.ok().filter(|begun| *begun <= now);
    let begun = begun.unwrap_or(window.start);
    let noted = noted.filter(|noted| *noted <= now);
    noted.map_or(begun, |noted| noted.max(begun))
}

/// The least time between a success and the next renewal: a tenth of the usable time, measured by
/// the monotonic clock, so that a wrong wall clock or issuer cannot make us ask without pause.
pub fn least_pause(window: &Window, obtained: Timestamp) -> Duration {
    usable(window, obtained).length() / 10
}

/// How long a renewal that is overdue when the driver starts is held back at most: a tenth of what
/// `remains`, and half a minute. Otherwise all of a node's volumes would ask at once.
pub fn restart_spread(remains: Duration, volume: &VolumeId, serial: &[u8]) -> Duration {
    (remains / 10)
        .min(LONGEST_SPREAD)
        .mul_f64(spread(volume, serial))
}

fn usable(window: &Window, obtained: Timestamp) -> Window {
    // A window that ends before it starts has no time to count from.
    let start = obtained.min(window.end).max(window.start);
    Window {
        start,
        end: window.end,
    }
}

/// The longest pause before another attempt: two minutes, or a quarter of an hour after a refusal
/// that `is_lasting`. While a valid certificate has `remaining` left it is a tenth of that, so that
/// several attempts fit before it expires.
pub fn retry_cap(remaining: Option<Duration>, is_lasting: bool) -> Duration {
    let longest = if is_lasting {
        LASTING_CAP
    } else {
        Retry::default().cap
    };
    remaining.map_or(longest, |left| (left / 10).clamp(SHORTEST_CAP, longest))
}

/// The pause before another attempt that a publish waits for, in place of `pause`: who has mended
/// what was refused should see the pod start.
pub fn publish_pause(pause: Duration, is_lasting: bool) -> Duration {
    if is_lasting {
        pause.min(Retry::default().cap)
    } else {
        pause
    }
}

/// The pause that a server gets which `asked` for one: while a valid certificate has `remaining`
/// left, no longer than any other.
pub fn retry_after(asked: Option<Duration>, remaining: Option<Duration>) -> Option<Duration> {
    let asked = asked?;
    Some(if remaining.is_some() {
        asked.min(retry_cap(remaining, false))
    } else {
        asked
    })
}

/// How long an undecided request is waited for: five minutes, or a third of the `lifetime` that is
/// requested if that is longer.
///
/// Some issuers never take back a "pending" that is final. A pod without a valid certificate
/// therefore gets another request after ten minutes at most, when its issuer may have been mended.
/// While a valid certificate has `remaining` left, one dead request must not cost it: several fit
/// into a third of what is left, or two into the last minutes.
pub fn patience(lifetime: Duration, remaining: Option<Duration>) -> Duration {
    let patience = UNDECIDED.max(lifetime / 3);
    patience.min(match remaining {
        Some(left) => (left / 3).max(SLOW_ANSWER.min(left / 2)),
        None => UNDECIDED_WITHOUT_CERTIFICATE,
    })
}

/// If this were two minutes, a thousand volumes that are refused for good would cost an API server
/// eight creates a second and the approver as many denials, for ever.
const LASTING_CAP: Duration = Duration::from_secs(900);
const UNDECIDED: Duration = Duration::from_secs(300);
const UNDECIDED_WITHOUT_CERTIFICATE: Duration = Duration::from_secs(600);
/// A healthy cluster answers in seconds. If this were shorter, an issuer that is slow would be
/// asked anew although it is about to answer.
const SLOW_ANSWER: Duration = Duration::from_secs(30);
/// If this were shorter, a node full of expiring volumes would ask an ailing API server all the
/// time.
const SHORTEST_CAP: Duration = Duration::from_secs(5);
/// A thousand volumes in half a minute are 33 creates per second, which an API server takes; if
/// this were doubled, certificates would be renewed later for no gain.
const LONGEST_SPREAD: Duration = Duration::from_secs(30);

/// A number in 0.0..1.0 that is always the same for this volume and certificate.
fn spread(volume: &VolumeId, serial: &[u8]) -> f64 {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(volume.as_str().as_bytes());
    context.update(&[0]);
    context.update(serial);
    let hash = context.finish();
    let first = hash
        .as_ref()
        .first_chunk::<4>()
        .copied()
        .unwrap_or_default();
    f64::from(u32::from_be_bytes(first)) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_expiry_a_pause_is_a_tenth_of_what_remains_at_most_but_not_under_5_seconds() {
        let cap = |seconds, is_lasting| {
            let remaining = Some(Duration::from_secs(seconds));
            retry_cap(remaining, is_lasting).as_secs()
        };
        for is_lasting in [false, true] {
            assert_eq!([10, 400].map(|left| cap(left, is_lasting)), [5, 40]);
        }
        assert_eq!([cap(100_000, false), cap(100_000, true)], [120, 900]);
        assert_eq!(
            [false, true].map(|it| retry_cap(None, it).as_secs()),
            [120, 900]
        );
    }

    #[test]
    fn before_expiry_a_server_gets_no_longer_pause_than_the_certificate_allows() {
        let pause = |asked, remaining: Option<u64>| {
            let asked = Some(Duration::from_secs(asked));
            retry_after(asked, remaining.map(Duration::from_secs)).map(|pause| pause.as_secs())
        };
        assert_eq!(pause(3, Some(400)), Some(3));
        assert_eq!(pause(120, Some(400)), Some(40));
        assert_eq!(pause(120, Some(1)), Some(5));
        assert_eq!(pause(500, None), Some(500));
        assert_eq!(retry_after(None, Some(Duration::ZERO)), None);
    }

    #[test]
    fn one_request_is_waited_for_so_long_that_another_fits_before_expiry() {
        let patience = |lifetime, remaining: Option<u64>| {
            let remaining = remaining.map(Duration::from_secs);
            patience(Duration::from_secs(lifetime), remaining).as_secs()
        };
        let without = [600, 1500, 3600, 86_400].map(|lifetime| patience(lifetime, None));
        assert_eq!(without, [300, 500, 600, 600]);
        let with = |lifetime, remaining| patience(lifetime, Some(remaining));
        assert_eq!([with(60, 20), with(60, 4)], [10, 2]);
        assert_eq!([with(600, 200), with(600, 90)], [66, 30]);
        assert_eq!([with(3600, 1200), with(3600, 70)], [400, 30]);
        assert_eq!(with(3600, 36_000), 1200, "a third of the lifetime at most");
    }

    fn window(seconds: i64) -> Window {
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        Window {
            start,
            end: start + SignedDuration::from_secs(seconds),
        }
    }

    fn volume(name: &str) -> VolumeId {
        VolumeId::parse(name).unwrap()
    }

    #[test]
    fn renewal_falls_between_17_and_20_thirtieths_of_the_window() {
        let window = window(3600);
        for n in 0..500 {
            let due = due(
                &window,
                window.start,
                &volume(&format!("csi-{n}")),
                &[1, 2, 3],
            );
            let after = window.start.duration_until(due).as_secs_f64();
            assert!((2040.0..=2400.0).contains(&after), "{after}");
        }
    }

    #[test]
    fn renewals_of_many_volumes_spread_over_their_tenth() {
        let window = window(3600);
        let mut times: Vec<i64> = (0..500)
            .map(|n| due(&window, window.start, &volume(&format!("csi-{n}")), &[7]).as_second())
            .collect();
        times.sort_unstable();
        assert!(times[499] - times[0] > 300, "{}", times[499] - times[0]);
        let largest = times
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .max()
            .unwrap();
        assert!(largest < 20, "{largest}");
    }

    #[test]
    fn a_restarted_driver_comes_to_the_same_time_and_a_new_serial_to_another() {
        let window = window(3600);
        let id = volume("csi-1");
        let due = |serial: &[u8]| due(&window, window.start, &id, serial);
        assert_eq!(due(&[1]), due(&[1]));
        assert_ne!(due(&[1]), due(&[2]));
    }

    #[test]
    fn a_window_holds_its_first_and_its_last_moment() {
        let window = window(5);
        let moment = SignedDuration::from_nanos(1);
        assert!(window.contains(window.start) && window.contains(window.end));
        assert!(!window.contains(window.start - moment) && !window.contains(window.end + moment));
    }

    #[test]
    fn a_window_that_ends_before_it_starts_is_due_at_its_start() {
        let window = window(-5);
        assert_eq!(due(&window, window.start, &volume("v"), &[1]), window.start);
        assert_eq!(least_pause(&window, window.start), Duration::ZERO);
        assert_eq!(window.remaining(window.start), Duration::ZERO);
    }

    #[test]
    fn a_certificate_that_was_dated_back_is_renewed_as_one_that_was_not() {
        let hour = SignedDuration::from_hours(1);
        for minutes in [1, 5, 60] {
            let plain = window(minutes * 60);
            let backdated = Window {
                start: plain.start - hour,
                ..plain
            };
            let at = |window: &Window| due(window, plain.start, &volume("v"), &[1]);
            assert_eq!(at(&backdated), at(&plain));
            assert_eq!(
                least_pause(&backdated, plain.start),
                least_pause(&plain, plain.start)
            );
        }
    }

    #[test]
    fn when_it_was_obtained_is_told_from_its_end_and_the_requested_lifetime() {
        let window = window(3600);
        let now = window.start + SignedDuration::from_mins(30);
        let obtained = |seconds| obtained(&window, Duration::from_secs(seconds), (None, now));
        assert_eq!(obtained(3600), window.start);
        assert_eq!(
            obtained(600),
            window.start,
            "it lasts longer than requested"
        );
        assert_eq!(obtained(2400), window.start + SignedDuration::from_mins(20));
        // The issuer gave less than what was requested: its start counts.
        let given = due(&window, obtained(86_400), &volume("v"), &[1]);
        assert_eq!(given, due(&window, window.start, &volume("v"), &[1]));
        assert!(obtained(u64::MAX) <= window.start);
    }

    #[test]
    fn what_was_noted_counts_where_the_dates_tell_less() {
        let window = window(3600);
        let [minute, now] =
            [1, 30].map(|minutes| window.start + SignedDuration::from_mins(minutes));
        let obtained = |seconds, noted| {
            let requested = Duration::from_secs(seconds);
            obtained(&window, requested, (Some(noted), now))
        };
        // The issuer gave less than what was requested, and dated it back by a minute.
        assert_eq!(obtained(86_400, minute), minute);
        let dated = window.start + SignedDuration::from_mins(20);
        assert_eq!(
            obtained(2400, minute),
            dated,
            "that of an earlier certificate"
        );
        assert_eq!(obtained(2400, window.end), dated, "in the future");
    }

    #[test]
    fn what_is_overdue_at_a_start_is_spread_over_a_tenth_of_what_remains() {
        let spread = |remains, n: u32| {
            let id = volume(&format!("csi-{n}"));
            restart_spread(Duration::from_secs(remains), &id, &[1]).as_secs_f64()
        };
        let all: Vec<f64> = (0..300).map(|n| spread(3600, n)).collect();
        assert!(all.iter().all(|wait| *wait < 30.0));
        assert!(all.iter().any(|wait| *wait < 3.0) && all.iter().any(|wait| *wait > 27.0));
        assert!((0..300).all(|n| spread(20, n) < 2.0));
        assert!(spread(0, 1).abs() < f64::EPSILON);
    }
}
