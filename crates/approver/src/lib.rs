//! The approver: decides on cert-manager's certificate requests for SPIFFE identities.
//!
//! Owns the path from a watched request to the condition in its status: which replica decides (one,
//! by lease), when (on events, never by polling), and how the decision is written (bound to the
//! version that was read). Which requests are valid is up to `svid_core::policy`; the HTTP
//! endpoints for metrics and readiness belong to the binary.
//!
//! Invariants: nothing is decided without the lease, before the configured issuer is known, or
//! twice; another approver's decision is never touched.
//!
//! | module | job |
//! | --- | --- |
//! | `controller` | from watch to decision: index, queue, workers |
//! | `status` | a decision as a condition, and the PATCH that writes it |
//! | `lease` | which of several replicas decides |
//! | `pods` | the one Pod that a decision in node-attested mode is based on |
//! | `kinds` | which kinds of issuer exist, for ordinary requests |
//! | `metrics`, `readiness` | what others may see |
//! | `testing` | requests and Pods as they are read, for fuzz targets; in no shipped build |

mod approver;
mod configuration;
mod controller;
mod kinds;
mod lease;
mod metrics;
mod pods;
mod readiness;
mod status;
#[cfg(feature = "testing")]
pub mod testing;

#[cfg(test)]
mod world;

pub use approver::{Approver, ApproverError};
pub use configuration::{Configuration, OrdinaryRequests};
pub use readiness::Readiness;

/// Time, which is only ever written into objects, and chance.
#[derive(Clone, Copy, Debug)]
pub struct Environment {
    /// The wall clock.
    pub now: fn() -> jiff::Timestamp,
    /// Jitter: a number in `0.0..1.0`.
    pub chance: fn() -> f64,
}
