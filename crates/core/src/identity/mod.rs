//! Who a workload is: trust domains, service accounts and the SPIFFE IDs made of them; and what
//! Kubernetes accepts as a name.
//!
//! Owns the rules of the SPIFFE ID specification, section 2, and the one way a Kubernetes service
//! account maps to a SPIFFE ID. Knows nothing of keys, certificates or requests.
//!
//! Invariant: a value of one of these types is legal as it stands. Nothing is lowercased, decoded
//! or otherwise normalised on the way in, so equal values are equal bytes and the other way round.

mod service_account;
mod spiffe_id;
mod trust_domain;

pub use service_account::{ServiceAccount, ServiceAccountError};
pub use spiffe_id::{SpiffeId, SpiffeIdError};
pub use trust_domain::{TrustDomain, TrustDomainError};
