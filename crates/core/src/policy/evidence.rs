//! The evidence for an approval in node-attested mode: one Pod, as read from the API server.
//!
//! Plain values that the caller fills in; nothing here was written by the requester.

/// Identifies one Pod unambiguously: a later Pod of the same name has another UID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodReference {
    /// Its namespace, which is the request's.
    pub namespace: String,
    /// Its name, legal for a Pod.
    pub name: String,
    /// Its UID.
    pub uid: String,
}

/// A Pod as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodEvidence {
    /// `metadata.namespace`.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.uid`.
    pub uid: String,
    /// `spec.nodeName`; empty while it is on no node.
    pub node: String,
    /// `spec.serviceAccountName`; empty for a mirror Pod, as the API server writes one into all
    /// others.
    pub service_account: String,
    /// Whether a kubelet has made it, to show a pod that no API knows: `metadata.annotations` holds
    /// `kubernetes.io/config.mirror`.
    pub is_mirror: bool,
    /// `spec.volumes[].csi.driver`: whose inline volumes it has.
    pub csi_drivers: Vec<String>,
    /// `status.phase`.
    pub phase: String,
}
