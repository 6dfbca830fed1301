//! Owns the metric that every command has: the running version.
//!
//! Must not know what driver and approver measure; they register that themselves.

use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::version::BUILD;

/// A registry with `csi_driver_spiffe_build_info` in it.
pub(crate) fn registry() -> Registry {
    let mut registry = Registry::default();
    registry.register(
        "csi_driver_spiffe_build",
        "Version, commit and target of this program",
        Info::new(vec![
            ("version", BUILD.version.to_owned()),
            ("commit", BUILD.commit.to_owned()),
            ("target", BUILD.target.to_string()),
        ]),
    );
    registry
}
