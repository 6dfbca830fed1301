//! The input of the policy, as plain values.
//!
//! Everything in a [`Request`] was written by the requester or by the cluster on its behalf, and is
//! untrusted until a rule has checked it. Nothing here is checked or normalised, except for the two
//! defaults of an issuer reference.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::identity::{ServiceAccount, TrustDomain};

/// What the administrator enforces. The same for every request until the issuer changes.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The trust domain of every identity that may be approved.
    pub trust_domain: TrustDomain,
    /// The exact lifetime that every request must ask for.
    pub duration: Duration,
    /// The issuer of the SVIDs. Requests that name another one are left alone.
    pub issuer: IssuerReference,
    /// Which account creates the requests, and what proves the identity that it may request.
    pub attestation: Attestation,
    /// Which annotations a request carries beside its identity.
    pub extra_annotations: Arc<ExtraAnnotations>,
}

/// Which annotations a request carries beside its identity: the administrator's, which the driver
/// writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExtraAnnotations {
    /// Exactly those of one of these sets. The first is current; the others are for drivers that
    /// have not been updated yet.
    Listed {
        /// What drivers write.
        current: BTreeMap<String, String>,
        /// What drivers wrote before a change.
        former: Vec<BTreeMap<String, String>>,
    },
    /// Not configured: any except those that issuers are known to act on.
    Unlisted,
}

/// Which account creates the requests, and what proves the identity that it may request.
#[derive(Clone, Debug)]
pub enum Attestation {
    /// Each is made with the token of the pod that it is for: the requester is the proof.
    PodToken(Credentials),
    /// All are made with the driver's own token: the node in that token and the Pod are the proof.
    Node(NodeAttestation),
}

/// The credentials that a pod's request may be created with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// Any of the service account's: also tokens of no pod, as `kubectl create token` makes them.
    Any,
    /// A token that is bound to the pod and expires with it (`--require-pod-bound-token`).
    BoundToPod,
}

/// What node-attested mode has to know.
#[derive(Clone, Debug)]
pub struct NodeAttestation {
    /// The one account that may ask.
    pub driver: ServiceAccount,
    /// The CSI driver's name, which the pods' volumes give.
    pub csi_driver: String,
}

/// Identifies an issuer, with cert-manager's defaults filled in.
///
/// cert-manager reads an empty group as `cert-manager.io` and an empty kind as `Issuer`
/// (`pkg/apis/certmanager/v1`, `IssuerReference`), so two references that differ only in that refer
/// to the same issuer. Comparing them as written would let a request slip past a check of its
/// issuer; that is why [`IssuerReference::new`] is the only constructor.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IssuerReference {
    /// The issuer's name.
    pub name: String,
    /// The issuer's kind, never empty.
    pub kind: String,
    /// The issuer's API group, never empty.
    pub group: String,
}

impl IssuerReference {
    /// Makes a reference, an empty kind becoming `Issuer` and an empty group `cert-manager.io`.
    #[must_use]
    pub fn new(name: &str, kind: &str, group: &str) -> Self {
        let or = |given: &str, default: &str| {
            if given.is_empty() {
                default.to_owned()
            } else {
                given.to_owned()
            }
        };
        Self {
            name: name.to_owned(),
            kind: or(kind, DEFAULT_KIND),
            group: or(group, DEFAULT_GROUP),
        }
    }
}

impl fmt::Display for IssuerReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}/{}", self.kind, self.group, self.name)
    }
}

/// A request for an SVID: one that carries the identity annotation.
#[derive(Clone, Debug)]
pub struct Request {
    /// The namespace that the request object is in.
    pub namespace: String,
    /// The value of the identity annotation.
    pub identity_annotation: String,
    /// The other annotations.
    pub annotations: Annotations,
    /// `metadata.generation`; absent counts as edited.
    pub generation: Option<i64>,
    /// The signing request as PEM text (base64 already taken off).
    pub csr_pem: Vec<u8>,
    /// `spec.usages`; absent means cert-manager's defaults, which are not ours.
    pub usages: Option<Vec<String>>,
    /// `spec.duration`.
    pub duration: DurationField,
    /// `spec.isCA`; absent is false.
    pub is_ca: bool,
    /// `spec.issuerRef`, normalised.
    pub issuer: IssuerReference,
    /// Who created the request, as the cluster recorded it.
    pub requester: Requester,
    /// `metadata.ownerReferences`: whom the request is for, as the requester says.
    pub owners: Vec<Owner>,
}

/// The annotations of a request beside its identity, as far as they were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotations {
    /// Values by key; None for one that is too long to have been kept.
    pub read: BTreeMap<String, Option<String>>,
    /// Whether there are more than were read.
    pub is_cut: bool,
}

/// One of a request's `metadata.ownerReferences`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// `apiVersion`: group and version.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// `name`, in the request's namespace.
    pub name: String,
    /// `uid`.
    pub uid: String,
}

/// The lifetime that a request asks for, as far as it could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DurationField {
    /// None was given: the issuer would choose (cert-manager: 90 days).
    Absent,
    /// Text that Go's `time.ParseDuration` refuses.
    Malformed(String),
    /// A length in nanoseconds, as Go counts them.
    Nanoseconds(i64),
}

/// Who created the request: cert-manager's webhook copies this from the API server's own view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requester {
    /// `spec.username`, for a service account `system:serviceaccount:NAMESPACE:NAME`.
    pub username: String,
    /// `spec.uid`.
    pub uid: String,
    /// `spec.groups`.
    pub groups: Vec<String>,
    /// `spec.extra`: the claims of the token that was used.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// What cert-manager assumes if a reference gives no kind.
const DEFAULT_KIND: &str = "Issuer";
/// What cert-manager assumes if a reference gives no group.
const DEFAULT_GROUP: &str = "cert-manager.io";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_kind_and_group_mean_what_cert_manager_reads() {
        let ours = IssuerReference::new("ca", "Issuer", "cert-manager.io");
        for (kind, group) in [("", ""), ("Issuer", ""), ("", "cert-manager.io")] {
            assert_eq!(
                IssuerReference::new("ca", kind, group),
                ours,
                "{kind:?} {group:?}"
            );
        }
        assert_ne!(
            IssuerReference::new("ca", "issuer", ""),
            ours,
            "kinds are case-sensitive"
        );
        assert_ne!(IssuerReference::new("ca", "ClusterIssuer", ""), ours);
        assert_ne!(IssuerReference::new("ca", "", "cert-manager.io "), ours);
    }
}
