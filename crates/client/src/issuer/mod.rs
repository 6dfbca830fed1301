//! Which issuer is in effect, and its changes.
//!
//! Owns the choice between the flags and the `ConfigMap` that names an issuer at run time. Driver
//! and approver have to agree on it, so there is one reader for both. Invariants: if a `ConfigMap`
//! is named, no issuer is known before the `ConfigMap` was read once, found or absent, so that a
//! restart during an outage never sends requests to the issuer that the `ConfigMap` was meant to
//! replace; a `ConfigMap` that does not name one completely changes nothing; an issuer that was
//! once in effect is remembered, since its certificates are still accepted as SVIDs.

mod choice;
mod source;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use svid_core::policy::IssuerReference;
use tokio::sync::watch;

pub use source::IssuerSource;

/// The `ConfigMap` that names the issuer at run time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConfigMapName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// `NAMESPACE/NAME`, for people.
impl fmt::Display for ConfigMapName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// What is known of the SPIFFE issuers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuers {
    /// The one in effect now.
    pub current: IssuerState,
    /// Every one that was in effect since the start, the current one included.
    pub ever: Arc<[IssuerReference]>,
}

/// Where the issuers are learned from.
pub type IssuersReceiver = watch::Receiver<Issuers>;

/// The issuer in effect, as far as it is known. Texts are for Events and answers to the kubelet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IssuerState {
    /// The `ConfigMap` has not been read yet, for this reason. Try again when this changes.
    NotYetRead(String),
    /// No issuer is named; the text says what to do about it.
    Missing(String),
    /// This one.
    Known(Arc<IssuerReference>),
}

impl IssuerState {
    /// The issuer, if one is known.
    #[must_use]
    pub fn known(&self) -> Option<&IssuerReference> {
        match self {
            Self::Known(issuer) => Some(issuer),
            Self::NotYetRead(_) | Self::Missing(_) => None,
        }
    }
}
