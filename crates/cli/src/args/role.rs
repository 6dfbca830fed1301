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
}

impl Servers {
    /// Checks both addresses. `None`: at least one problem was noted.
    pub(super) fn from_flags(
        (probes_flag, probes): (&str, &str),
        metrics: &str,
        problems: &mut Problems,
    ) -> Option<Self> {
        let probes = problems.check(probes_flag, probes, ListenAddress::parse_optional);
        let servers = Self {
            metrics: problems.check(METRICS, metrics, ListenAddress::parse_optional)?,
            probes: probes?,
        };
        if let Some(address) = &servers.metrics
            && servers.probes.as_ref() == Some(address)
            && address.port != 0
        {
            let wrong = Wrong::new(format!("is also {probes_flag}"), "an address of its own");
            problems.add(METRICS, metrics, wrong);
            return None;
        }
        Some(servers)
    }
}

const METRICS: &str = "--metrics-bind-address";
