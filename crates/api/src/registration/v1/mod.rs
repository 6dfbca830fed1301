//! The kubelet's plugin registration, version 1; `proto/pluginregistration.proto` has the texts.

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

pub use generated::*;
