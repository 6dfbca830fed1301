//! Owns the metric that every command has: the running version.
//!
//! Must not know what driver and approver measure; they register that themselves.

use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// A registry with `csi_driver_spiffe_build_info` in it.
pub(crate) fn registry() -> Registry {
    let mut registry = Registry::default();
    registry.register(
        "csi_driver_spiffe_build",
        "Version of this program",
        Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]),
    );
    registry
}
