//! What a cluster is started with. Every field has a default that the demo can use.

use std::time::Duration;

use crate::auth::ServiceAccountName;
use crate::clock::Clock;
use crate::issuer::IssuerReference;

/// How the kubelet hands a pod's token to the driver (KEP-5538).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenDelivery {
    /// In the volume context, as before Kubernetes 1.35.
    #[default]
    Context,
    /// In the secrets: `serviceAccountTokenInSecrets: true`.
    Secrets,
    /// Not at all: the CSIDriver has no `tokenRequests`.
    None,
}

/// What a cluster is started with.
#[derive(Clone, Debug)]
pub struct Options {
    pub node_name: String,
    pub driver_name: String,
    pub token_delivery: TokenDelivery,
    /// The driver's service account; it has the rights that the chart gives it.
    pub driver: ServiceAccountName,
    /// The approver's service account; it has the rights that the chart gives it.
    pub approver: ServiceAccountName,
    /// The ConfigMap (namespace, name) that both may read, if any.
    pub runtime_issuance: Option<(String, String)>,
    pub issuer: IssuerReference,
    /// How many changes a watch can be replayed from (a real API server: at least 75 s of them).
    pub history: usize,
    /// How often a watch that asked for bookmarks gets one (a real API server: about a minute).
    pub bookmark_interval: Duration,
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        let account = |name| ServiceAccountName::new("cert-manager", name);
        Self {
            node_name: "node-1".to_owned(),
            driver_name: "spiffe.csi.cert-manager.io".to_owned(),
            token_delivery: TokenDelivery::default(),
            driver: account("cert-manager-csi-driver-spiffe"),
            approver: account("cert-manager-csi-driver-spiffe-approver"),
            runtime_issuance: None,
            issuer: IssuerReference::cluster("spiffe-ca"),
            history: 10_000,
            bookmark_interval: Duration::from_secs(60),
            clock: Clock::default(),
        }
    }
}
