//! Owns what `driver` and `approver` have in common around their own configurations.
//!
//! Must not know either of the two. Invariant: no two servers of one process have the same address.

use super::connection::ConnectionArgs;
use super::logs::LogArgs;
use super::network::ListenAddress;
use super::problem::{Problems, Wrong};

/// A role's own configuration, and what this program needs around it.
#[derive(Debug)]
pub(crate) struct Role<C> {
    pub(crate) configuration: C,
    pub(crate) servers: Servers,
    pub(crate) connection: ConnectionArgs,
    pub(crate) logs: LogArgs,
    /// What is valid but will not do what its author hopes; to be logged at start.
    pub(crate) warnings: Vec<String>,
}

/// What is served by HTTP.
#[derive(Debug)]
pub(crate) struct Servers {
    pub(crate) probes: Option<ListenAddress>,
    pub(crate) metrics: Option<ListenAddress>,
    /// Also on a port what the driver's Unix socket serves.
    pub(crate) status: Option<ListenAddress>,
}

impl Servers {
    /// Checks the addresses, each with its flag. `None`: at least one problem was noted.
    pub(super) fn from_flags(flags: &ServerFlags<'_>, problems: &mut Problems) -> Option<Self> {
        let ServerFlags {
            probes: (probes_flag, probes),
            metrics,
            status,
        } = *flags;
        let probed = problems.check(probes_flag, probes, ListenAddress::parse_optional);
        let measured = problems.check(METRICS, metrics, ListenAddress::parse_optional);
        let looked_at = problems.check(STATUS, status, ListenAddress::parse_optional);
        let servers = Self {
            probes: probed?,
            metrics: measured?,
            status: looked_at?,
        };
        let all = [
            (probes_flag, probes, &servers.probes),
            (METRICS, metrics, &servers.metrics),
            (STATUS, status, &servers.status),
        ];
        for (index, (flag, text, address)) in all.into_iter().enumerate() {
            // Port 0 is another one each time.
            let fixed = address.as_ref().filter(|address| address.port != 0);
            let mut earlier = all.iter().take(index);
            let same = earlier.find(|(.., other)| fixed.is_some() && other.as_ref() == fixed);
            if let Some((other, ..)) = same {
                let wrong = Wrong::new(
                    format!("is also the value of {other}"),
                    "a different address",
                );
                problems.add(flag, text, wrong);
                return None;
            }
        }
        Some(servers)
    }
}

/// The flags with addresses, as text.
pub(super) struct ServerFlags<'a> {
    /// The name of the flag, too, which is not the same for both roles.
    pub(super) probes: (&'static str, &'a str),
    pub(super) metrics: &'a str,
    pub(super) status: &'a str,
}

const METRICS: &str = "--metrics-bind-address";
const STATUS: &str = "--status-address";
