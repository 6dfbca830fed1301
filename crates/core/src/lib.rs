//! What the driver and the approver must agree on, as pure functions: who a workload is, what an
//! SVID is, and which request may become one.
//!
//! Nothing in here reads a file, a clock or the network, and nothing knows Kubernetes or gRPC: the
//! time is an argument, and the only randomness is the key generator of the cryptographic library.

mod algorithms;
mod armor;
pub mod der;
pub mod identity;
pub mod names;
pub mod policy;
pub mod svid;
pub mod text;
