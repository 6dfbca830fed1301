//! A CA issuer like cert-manager's: signs approved requests, and can be made to misbehave.
//!
//! Owns the CA keys. Built on an X.509 library of its own (`x509-cert`), not the driver's: a
//! mistake that both share would otherwise go unnoticed. Knows the store, not HTTP.

mod agreement;
mod authority;
mod controller;
mod csr;
mod outcome;
mod reference;
mod signer;
mod specification;
mod template;

pub use self::authority::AuthorityError;
pub(crate) use self::controller::{Context, duration, run, validate};
pub use self::reference::IssuerReference;
pub use self::signer::{DirectError, Issuer, Signer};
