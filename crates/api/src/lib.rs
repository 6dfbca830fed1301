//! The wire types of csi-driver-spiffe: what other programs read and write, and nothing else.
//!
//! Knows no rule of this project: not what a SPIFFE ID is, not which request deserves a
//! certificate. A type here decodes whatever the API server is willing to store, so that one odd
//! object never stops a watch over all of them; judging the content is the reader's work.
//!
//! | module | whose format |
//! | --- | --- |
//! | [`annotation`] | names and label values on our objects, shared with cert-manager's csi-lib |
//! | [`bounded`] | nobody's: how much of untrusted input is kept |
//! | [`certmanager`] | cert-manager's `CertificateRequest` |
//! | [`duration`] | durations as Go writes and reads them |
//! | [`issuance`] | the `ConfigMap` that names the issuer at run time |
//! | `csi`, `registration` | the gRPC services towards the kubelet (feature `csi`) |

pub mod annotation;
pub mod bounded;
pub mod certmanager;
#[cfg(feature = "csi")]
pub mod csi;
pub mod duration;
pub mod issuance;
#[cfg(feature = "csi")]
pub mod registration;
