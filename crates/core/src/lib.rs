//! What the driver and the approver must agree on, as pure functions: what identifies a workload,
//! what a valid SVID is, and which requests may become one.
//!
//! Nothing in this crate reads a file, a clock or the network, or knows Kubernetes or gRPC: the
//! time is an argument, and the only randomness is the key generator of the cryptographic library.

mod algorithms;
mod armor;
pub mod der;
pub mod identity;
pub mod names;
pub mod policy;
pub mod svid;
pub mod text;
