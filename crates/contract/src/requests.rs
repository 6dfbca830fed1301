//! CertificateRequests as the driver creates them, for an issuer that does not exist: nobody signs
//! them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube::Client;
use serde_json::{Value, json};
use svid_core::identity::SpiffeId;
use svid_core::svid::{CertificateSigningRequest, PrivateKey};

use crate::namespace::{TestNamespace, send};

pub(crate) const REQUESTS: &str = "certificaterequests";

/// A right one.
pub(crate) fn body(name: &str) -> Value {
    with_csr(name, &csr())
}

/// With this in the place of the signing request's PEM.
pub(crate) fn with_csr(name: &str, pem: &str) -> Value {
    json!({
        "apiVersion": "cert-manager.io/v1",
        "kind": "CertificateRequest",
        "metadata": {"name": name},
        "spec": {
            "request": STANDARD.encode(pem),
            "duration": "1h0m0s",
            "issuerRef": {"name": "contract", "kind": "ClusterIssuer", "group": "cert-manager.io"},
            "usages": ["digital signature", "key encipherment", "server auth", "client auth"],
        },
    })
}

/// Sound.
pub(crate) fn csr() -> String {
    let key = PrivateKey::generate().expect("key");
    let id = SpiffeId::parse("spiffe://cluster.local/ns/shop/sa/till").expect("SPIFFE ID");
    let csr = CertificateSigningRequest::build(&key, &id).expect("CSR");
    csr.to_pem().to_owned()
}

/// Valid ones by OpenSSL, which request usages: those of [`body`], the same in another order, the
/// usages of the key alone; and one that asks to be an authority.
pub(crate) const BOTH_USAGES: &str = include_str!("csrs/both-usages.pem");
pub(crate) const OTHER_ORDER: &str = include_str!("csrs/other-order.pem");
pub(crate) const KEY_USAGE_ALONE: &str = include_str!("csrs/key-usage-alone.pem");
pub(crate) const AUTHORITY: &str = include_str!("csrs/authority.pem");

/// Valid except for its signature.
pub(crate) fn forged_csr() -> String {
    let csr = csr();
    let lines: Vec<&str> = csr.lines().collect();
    let (first, last) = (lines[0], lines[lines.len() - 1]);
    let base64 = lines[1..lines.len() - 1].concat();
    let mut der = STANDARD.decode(base64).expect("base64");
    if let Some(byte) = der.last_mut() {
        // Of the signature's second number; its length stays the same.
        *byte ^= 1;
    }
    format!("{first}\n{}\n{last}\n", STANDARD.encode(der))
}

impl TestNamespace {
    /// A request that the administrator has created.
    pub(crate) async fn request(&self, name: &str) -> Value {
        self.request_as(&self.administrator(), &body(name))
            .await
            .expect(name)
    }

    /// Creates a request in the name of this client.
    pub(crate) async fn request_as(
        &self,
        client: &Client,
        body: &Value,
    ) -> Result<Value, kube::Error> {
        send(
            client,
            "POST",
            &self.path("cert-manager.io", REQUESTS),
            body,
        )
        .await
    }

    /// Merges into a request, or into its status where `part` is `/status`.
    pub(crate) async fn merge(
        &self,
        client: &Client,
        name: &str,
        part: &str,
        patch: &Value,
    ) -> Result<Value, kube::Error> {
        let path = self.path("cert-manager.io", REQUESTS);
        send(client, "PATCH", &format!("{path}/{name}{part}"), patch).await
    }
}
