//! CSI 1.13, the parts that a driver of inline volumes serves; `proto/csi.proto` has the texts.
//!
//! Owns the generated code and how messages that carry secrets print. Invariant: no secret and no
//! volume context (it may contain a pod's token) appears in `Debug` output.

#[rustfmt::skip]
#[allow(
    clippy::all,
    clippy::allow_attributes_without_reason,
    clippy::use_self,
    clippy::wildcard_enum_match_arm,
    missing_docs,
    unused_qualifications,
    reason = "generated code is judged by its generator"
)]
mod generated;
mod redacted;

pub use generated::*;
