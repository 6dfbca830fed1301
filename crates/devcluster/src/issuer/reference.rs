//! How requests name an issuer.

use serde_json::Value;

use crate::store::meta;

/// Which issuer a request names. Empty kind and group are cert-manager's own defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerReference {
    pub name: String,
    /// `Issuer` or `ClusterIssuer`.
    pub kind: String,
    /// `cert-manager.io` for cert-manager's own.
    pub group: String,
}

impl IssuerReference {
    /// A ClusterIssuer of cert-manager.
    pub fn cluster(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: "ClusterIssuer".to_owned(),
            group: "cert-manager.io".to_owned(),
        }
    }

    pub(crate) fn of(request: &Value) -> Self {
        let or = |pointer: &str, default: &str| {
            let given = meta::text(request, pointer);
            if given.is_empty() { default } else { given }.to_owned()
        };
        Self {
            name: or("/spec/issuerRef/name", ""),
            kind: or("/spec/issuerRef/kind", "Issuer"),
            group: or("/spec/issuerRef/group", "cert-manager.io"),
        }
    }
}
