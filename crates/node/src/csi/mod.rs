//! The CSI Identity and Node services: translate the kubelet's requests into this crate's types,
//! and our answers into gRPC.
//!
//! Owns the edge. Knows nothing of mounts, certificates or the API server; what a volume needs is
//! the business of the lifecycle. Invariant: everything in a request except its type is treated as
//! hostile until [`publish::parse`] has checked it, and neither a token nor a volume context ever
//! reaches a log or an error text.
//!
//! | file | owns |
//! | --- | --- |
//! | `info` | the CSI Identity service: name, version, liveness |
//! | `node` | the CSI Node service |
//! | `confidential` | a publish request, wiped once it was read |
//! | `publish` | reading a NodePublishVolume request, once |
//! | `token` | reading the service account token in it |
//! | `deadline` | how long a call may wait |
//! | `status` | the one mapping to gRPC codes |

mod confidential;
mod deadline;
#[cfg(test)]
mod fixture;
mod info;
mod node;
pub mod publish;
mod status;
mod token;

pub use info::InfoService;
pub use node::NodeService;
