//! Which issuer to ask, and its changes.
//!
//! Owns the choice between the flags and the ConfigMap that names an issuer at run time. Knows
//! nothing of volumes; issuance reads the state when it makes a request and is woken when it
//! changes. Invariant: with a ConfigMap named, nothing is asked of any issuer before the
//! ConfigMap was read once, found or absent, so that a restart during an outage never sends
//! requests to the issuer that the ConfigMap was meant to replace.

mod choice;
mod source;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

pub use source::IssuerSource;

/// An issuer as a CertificateRequest refers to it: no part is empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Issuer {
    /// The name of the issuer object.
    pub name: String,
    /// Its kind, such as `ClusterIssuer`.
    pub kind: String,
    /// Its API group, such as `cert-manager.io`.
    pub group: String,
}

/// `KIND.GROUP/NAME`, for people.
impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}/{}", self.kind, self.group, self.name)
    }
}

/// The ConfigMap that names the issuer at run time.
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

/// Which issuer to ask, as far as it is known. Texts are for Events and answers to the kubelet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IssuerState {
    /// The ConfigMap has not been read yet: what is in the way. Try again when this changes.
    NotYetRead(String),
    /// Nobody names an issuer: what to do about it.
    Missing(String),
    /// Ask this one.
    Known(Arc<Issuer>),
}
