//! How long a publish may wait.
//!
//! Pure. Invariant: our answer leaves before the caller stops listening, so that the kubelet shows
//! our reason and not its own "context deadline exceeded".

use std::time::Duration;

use tonic::metadata::MetadataMap;

/// The longest that a publish with this metadata may wait: [`PUBLISH_LIMIT`], or less if the
/// caller's `grpc-timeout` says so. A timeout that cannot be read counts as none.
pub(super) fn publish_limit(metadata: &MetadataMap) -> Duration {
    let timeout = metadata
        .get("grpc-timeout")
        .and_then(|value| value.to_str().ok());
    match timeout.and_then(grpc_timeout) {
        Some(timeout) => PUBLISH_LIMIT.min(less_margin(timeout)),
        None => PUBLISH_LIMIT,
    }
}

/// `TimeoutValue TimeoutUnit` as the gRPC HTTP/2 protocol defines it: one to eight digits and one
/// of `H M S m u n`.
fn grpc_timeout(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let digits = text.strip_suffix(unit)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: u64 = digits.parse().ok()?;
    match unit {
        'H' => Some(Duration::from_secs(value * 3600)),
        'M' => Some(Duration::from_secs(value * 60)),
        'S' => Some(Duration::from_secs(value)),
        'm' => Some(Duration::from_millis(value)),
        'u' => Some(Duration::from_micros(value)),
        'n' => Some(Duration::from_nanos(value)),
        _ => None,
    }
}

/// Short calls keep half of their time: a margin longer than the call would leave nothing.
fn less_margin(timeout: Duration) -> Duration {
    timeout.saturating_sub(MARGIN).max(timeout / 2)
}

/// The kubelet gives a volume's whole set-up, three calls and the token's fetch, 120 s
/// (`csiTimeout` in `pkg/volume/csi`). If this were longer, the kubelet would give up first; if
/// much shorter, a slow issuer would cost a kubelet backoff of up to two minutes more.
const PUBLISH_LIMIT: Duration = Duration::from_secs(110);

/// What the answer needs to travel.
const MARGIN: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(timeout: &str) -> Duration {
        let mut metadata = MetadataMap::new();
        metadata.insert("grpc-timeout", timeout.parse().unwrap());
        publish_limit(&metadata)
    }

    #[test]
    fn waits_no_longer_than_the_caller_listens() {
        let table = [
            ("2H", 110_000),
            ("2M", 110_000),
            ("119998m", 110_000),
            ("99999999H", 110_000),
            ("100S", 98_000),
            ("60000000u", 58_000),
            ("4S", 2_000),
            ("3S", 1_500),
            ("1S", 500),
            ("0S", 0),
        ];
        for (timeout, milliseconds) in table {
            assert_eq!(
                limit(timeout),
                Duration::from_millis(milliseconds),
                "{timeout}"
            );
        }
    }

    #[test]
    fn a_timeout_that_cannot_be_read_is_taken_as_none() {
        for odd in [
            "",
            "S",
            "10",
            "-1S",
            "+1S",
            "1.5S",
            "123456789S",
            "1 S",
            "1x",
            "١S",
        ] {
            assert_eq!(grpc_timeout(odd), None, "{odd:?}");
        }
        assert_eq!(publish_limit(&MetadataMap::new()), PUBLISH_LIMIT);
    }
}
