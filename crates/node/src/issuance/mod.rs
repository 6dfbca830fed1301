//! One CertificateRequest, from its creation to the issuer's answer.
//!
//! Owns the communication with the API server about certificates: the shape of a request, the calls
//! and their failures, the waiting. Knows nothing of mounts or files, nor of when to request.
//! Invariants: what is read of an answer is bounded, and a certificate leaves this module as the
//! bytes that were returned, for `lifecycle/attempt` to check; no text made here contains a token,
//! a key or PEM.

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
