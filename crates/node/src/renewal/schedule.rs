//! When to renew a certificate.

use std::time::Duration;

use aws_lc_rs::digest;
use jiff::{SignedDuration, Timestamp};
use svid_client::retry::Retry;
use svid_core::svid::Window;

use crate::wish::VolumeId;

/// When to renew: two thirds into the window, less up to a tenth of it.
///
/// How much less is derived from the volume and the certificate's serial number, so that a node's
/// volumes spread out and a restarted driver computes the same time.
pub fn due(window: &Window, volume: &VolumeId, serial: &[u8]) -> Timestamp {
    let length = SignedDuration::try_from(window.length()).unwrap_or(SignedDuration::MAX);
    let early = length.as_secs_f64() / 10.0 * spread(volume, serial);
    let wait = length.as_secs_f64() * 2.0 / 3.0 - early;
    window
        .start
        .checked_add(SignedDuration::try_from_secs_f64(wait).unwrap_or(SignedDuration::ZERO))
        .unwrap_or(window.end)
}

/// The least time between a success and the next renewal: a tenth of the window, measured by the
/// monotonic clock, so that a wrong wall clock or issuer cannot make us ask without pause.
pub fn least_pause(window: &Window) -> Duration {
    window.length() / 10
}

/// The longest pause before another attempt: two minutes or, while a valid certificate has
/// `remaining` left, a tenth of that, so that several attempts fit before it expires.
pub fn retry_cap(remaining: Option<Duration>) -> Duration {
    let longest = Retry::default().cap;
    remaining.map_or(longest, |left| (left / 10).clamp(SHORTEST_CAP, longest))
}

/// If this were shorter, a node full of expiring volumes would ask an ailing API server all the
/// time.
const SHORTEST_CAP: Duration = Duration::from_secs(5);

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
        let cap = |seconds| retry_cap(Some(Duration::from_secs(seconds))).as_secs();
        assert_eq!([cap(10), cap(400), cap(100_000)], [5, 40, 120]);
        assert_eq!(retry_cap(None).as_secs(), 120);
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
            let due = due(&window, &volume(&format!("csi-{n}")), &[1, 2, 3]);
            let after = window.start.duration_until(due).as_secs_f64();
            assert!((2040.0..=2400.0).contains(&after), "{after}");
        }
    }

    #[test]
    fn renewals_of_many_volumes_spread_over_their_tenth() {
        let window = window(3600);
        let mut times: Vec<i64> = (0..500)
            .map(|n| due(&window, &volume(&format!("csi-{n}")), &[7]).as_second())
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
        assert_eq!(due(&window, &id, &[1]), due(&window, &id, &[1]));
        assert_ne!(due(&window, &id, &[1]), due(&window, &id, &[2]));
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
        assert_eq!(due(&window, &volume("v"), &[1]), window.start);
        assert_eq!(least_pause(&window), Duration::ZERO);
        assert_eq!(window.remaining(window.start), Duration::ZERO);
    }
}
