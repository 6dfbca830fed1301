//! One CertificateRequest, from its creation to a checked certificate.
//!
//! Owns the communication with the API server about certificates: the shape of a request, the calls
//! and their failures, the waiting. Knows nothing of mounts or files, nor of when to request.
//! Invariant: nothing that an issuer or the API server returned leaves this module unchecked, and
//! no text made here contains a token, a key or PEM.

mod api;
mod health;
mod kubernetes;
mod outcome;
mod request;
mod wait;

pub use api::{RequestChanges, Requests};
pub use health::{ApiHealth, Calls};
pub use kubernetes::KubernetesRequests;
pub use outcome::{AttemptOutcome, Failure};
pub use request::NewRequest;
pub use wait::{Answer, Issued, News, wait};
