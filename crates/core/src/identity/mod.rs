//! Workload identities: trust domains, service accounts and the SPIFFE IDs made from them.
//!
//! Owns the rules of the SPIFFE ID specification, section 2, and the only mapping from a Kubernetes
//! service account to a SPIFFE ID. Knows nothing of keys, certificates or requests.
//!
//! Invariant: a value of one of these types is valid. Nothing is lowercased, decoded or otherwise
//! normalised while parsing, so two values are equal exactly if their bytes are.

mod service_account;
mod spiffe_id;
mod trust_domain;

pub use service_account::{ServiceAccount, ServiceAccountError};
pub use spiffe_id::{SpiffeId, SpiffeIdError};
pub use trust_domain::{TrustDomain, TrustDomainError};
