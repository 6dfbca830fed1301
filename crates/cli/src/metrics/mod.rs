//! Owns the metrics that every role has: the running version, and what the process takes.
//!
//! Must not know what driver and approver measure; they register that themselves.

mod process;

use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::version::BUILD;

/// A registry with `csi_driver_spiffe_build_info` and the `process_` metrics in it.
pub(crate) fn registry() -> Registry {
    let mut registry = Registry::default();
    registry.register(
        "csi_driver_spiffe_build",
        "Version, commit and build target of this program",
        Info::new(vec![
            ("version", BUILD.version.to_owned()),
            ("commit", BUILD.commit.to_owned()),
            ("target", BUILD.target.to_string()),
        ]),
    );
    registry.register_collector(Box::new(process::Process));
    registry
}
