//! The wire types of csi-driver-spiffe: the formats shared with other programs, and nothing else.
//!
//! Knows no rule of this project: not what a SPIFFE ID is, not which request deserves a
//! certificate. A type here decodes whatever the API server is willing to store, so that one odd
//! object never breaks a watch over all of them; validating the content is up to the caller.
//!
//! | module | whose format |
//! | --- | --- |
//! | [`annotation`] | names and label values on our objects, shared with cert-manager's csi-lib |
//! | [`bounded`] | none: how much of untrusted input is kept |
//! | [`certmanager`] | cert-manager's `CertificateRequest` |
//! | [`duration`] | durations as Go writes and reads them |
//! | [`runtime_issuer`] | the `ConfigMap` that names the issuer at run time |
//! | `csi`, `registration` | the gRPC services towards the kubelet (feature `csi`) |

pub mod annotation;
pub mod bounded;
pub mod certmanager;
#[cfg(feature = "csi")]
pub mod csi;
pub mod duration;
#[cfg(feature = "csi")]
pub mod registration;
pub mod runtime_issuer;
