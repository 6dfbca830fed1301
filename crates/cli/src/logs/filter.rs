//! Owns how much is logged.
//!
//! Invariant: the libraries that carry tokens (HTTP, gRPC, TLS) never log below `info`, whatever
//! level is requested, since they would print headers and frames.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

/// 0 warnings, 1 what happens, 2 and 3 details, 4 and above everything that we log; from 5 on the
/// Kubernetes client's details too.
pub(super) fn filter(level: u32) -> Targets {
    let ours = match level {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2 | 3 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    // Its warnings repeat whole responses, and the caller logs what fails.
    let client = match level {
        0..=4 => LevelFilter::ERROR,
        _ => LevelFilter::DEBUG,
    };
    let others = match level {
        0..=3 => LevelFilter::WARN,
        _ => LevelFilter::INFO,
    };
    Targets::new()
        .with_default(others)
        .with_targets(OURS.map(|target| (target, ours)))
        .with_targets(CLIENT.map(|target| (target, client)))
}

/// Targets are matched by prefix.
const OURS: [&str; 2] = ["csi_driver_spiffe", "svid_"];

const CLIENT: [&str; 1] = ["kube_client"];

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn a_level_says_more_than_the_one_below_and_never_what_carries_tokens() {
        let table = [
            (0, "svid_node::csi", Level::WARN, true),
            (0, "svid_node::csi", Level::INFO, false),
            (1, "svid_node::csi", Level::INFO, true),
            (1, "csi_driver_spiffe", Level::INFO, true),
            (1, "svid_approver", Level::DEBUG, false),
            (2, "svid_approver", Level::DEBUG, true),
            (3, "svid_core", Level::TRACE, false),
            (4, "svid_core", Level::TRACE, true),
            (1, "kube_client::client", Level::WARN, false),
            (5, "kube_client::client", Level::DEBUG, true),
            (1, "hyper", Level::INFO, false),
            (9, "hyper", Level::DEBUG, false),
            (9, "h2::codec", Level::DEBUG, false),
            (9, "tonic::transport", Level::DEBUG, false),
            (9, "rustls", Level::DEBUG, false),
            (u32::MAX, "svid_node", Level::TRACE, true),
        ];
        for (level, target, event, expected) in table {
            assert_eq!(
                filter(level).would_enable(target, &event),
                expected,
                "-v={level} {target} {event}"
            );
        }
    }
}
