//! The cluster that the corpora are made for: its policy, and the right object around a signing
//! request.
//!
//! The only place where a [`Request`] and a [`Policy`] are written out: a new field gets its valid
//! value here, and every case has it. Texts everywhere else are written for the default world,
//! where they can be read, and moved to another one by [`World::here`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use svid_core::der;
use svid_core::identity::{ServiceAccount, TrustDomain};
use svid_core::policy::{
    Annotations, Attestation, Credentials, DurationField, ExtraAnnotations, IssuerReference,
    NodeAttestation, Owner, Policy, Request, Requester,
};

use crate::craft::{Craft, Signer, VALID_ID, general_name, san};

/// The names by which one cluster differs from another.
#[derive(Clone, Debug)]
pub struct World {
    namespace_prefix: String,
    trust_domain: TrustDomain,
    issuer: IssuerReference,
    annotations: BTreeMap<String, String>,
}

impl Default for World {
    fn default() -> Self {
        Self {
            namespace_prefix: String::new(),
            trust_domain: TrustDomain::parse("cluster.local").unwrap(),
            issuer: IssuerReference::new("spiffe-ca", "ClusterIssuer", "cert-manager.io"),
            annotations: BTreeMap::new(),
        }
    }
}

impl World {
    /// A cluster where every namespace that is used begins with the prefix.
    #[must_use]
    pub fn new(namespace_prefix: &str, trust_domain: TrustDomain, issuer: IssuerReference) -> Self {
        Self {
            namespace_prefix: namespace_prefix.to_owned(),
            trust_domain,
            issuer,
            annotations: BTreeMap::new(),
        }
    }

    /// This cluster, but with annotations that the administrator has the driver write.
    #[must_use]
    pub fn with_annotations(self, annotations: &[(&str, &str)]) -> Self {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Self {
            annotations: annotations.iter().map(owned).collect(),
            ..self
        }
    }

    /// What the administrator of this cluster enforces.
    #[must_use]
    pub fn policy(&self) -> Policy {
        Policy {
            trust_domain: self.trust_domain.clone(),
            duration: Duration::from_secs(3600),
            issuer: self.issuer.clone(),
            attestation: Attestation::PodToken(Credentials::Any),
            extra_annotations: Arc::new(ExtraAnnotations::Listed {
                current: self.annotations.clone(),
                former: Vec::new(),
            }),
        }
    }

    /// A valid request around a signing request.
    #[must_use]
    pub fn around(&self, csr_pem: Vec<u8>) -> Request {
        Request {
            namespace: self.namespace(),
            identity_annotation: self.identity(),
            annotations: self.annotations(),
            generation: Some(1),
            csr_pem,
            usages: Some(USAGES.map(str::to_owned).to_vec()),
            duration: DurationField::Nanoseconds(3_600_000_000_000),
            is_ca: false,
            issuer: self.issuer.clone(),
            requester: self.requester(),
            owners: Vec::new(),
        }
    }

    /// The annotations of valid requests beside the identity.
    #[must_use]
    pub fn annotations(&self) -> Annotations {
        let listed = self.annotations.clone().into_iter();
        Annotations {
            read: listed.map(|(key, value)| (key, Some(value))).collect(),
            is_cut: false,
        }
    }

    /// The account that creates valid requests.
    #[must_use]
    pub fn requester(&self) -> Requester {
        Requester {
            username: self.here("system:serviceaccount:payments:api"),
            uid: "8a8a".to_owned(),
            groups: [
                "system:serviceaccounts",
                "system:serviceaccounts:payments",
                "system:authenticated",
            ]
            .map(|group| self.here(group))
            .to_vec(),
            extra: [].into(),
        }
    }

    /// The identity that every request may have.
    #[must_use]
    pub fn identity(&self) -> String {
        self.here(VALID_ID)
    }

    #[must_use]
    pub fn namespace(&self) -> String {
        self.here("payments")
    }

    /// A namespace of another name, with this world's prefix; an empty name stays empty.
    pub(crate) fn namespace_like(&self, name: &str) -> String {
        match name {
            "" => String::new(),
            _ => format!("{}{name}", self.namespace_prefix),
        }
    }

    #[must_use]
    pub fn issuer(&self) -> &IssuerReference {
        &self.issuer
    }

    /// A text of the default world with this one's names.
    #[must_use]
    pub fn here(&self, text: &str) -> String {
        let prefix = &self.namespace_prefix;
        let domain = self.trust_domain.as_str();
        text.replace("payments", &format!("{prefix}payments"))
            .replace("Payments", &format!("{prefix}Payments"))
            .replace("cluster.local", domain)
            .replace("Cluster.local", &format!("X{domain}"))
            .replace("CLUSTER.LOCAL", &domain.to_uppercase())
    }

    /// A right signing request on an ECDSA P-256 key.
    #[must_use]
    pub fn craft(&self) -> Craft {
        self.craft_with(Signer::p256())
    }

    /// A right signing request on another key.
    #[must_use]
    pub fn craft_with(&self, signer: &'static Signer) -> Craft {
        Craft::with(signer).extensions(&[self.right_san()])
    }

    /// The extension that a valid request holds, critical.
    #[must_use]
    pub fn right_san(&self) -> Vec<u8> {
        san(true, &[self.right_name()])
    }

    /// The one name in it.
    #[must_use]
    pub fn right_name(&self) -> Vec<u8> {
        general_name(der::URI, self.identity().as_bytes())
    }
}

/// The policy of the default world.
#[must_use]
pub fn policy() -> Policy {
    World::default().policy()
}

/// A valid request around a signing request, in the default world.
#[must_use]
pub fn around(csr_pem: Vec<u8>) -> Request {
    World::default().around(csr_pem)
}

/// What an approver takes requests by that come from [`DRIVER`].
#[must_use]
pub fn node_attested() -> Attestation {
    Attestation::Node(NodeAttestation {
        driver: ServiceAccount::new("cert-manager", "driver").unwrap(),
        csi_driver: CSI_DRIVER.to_owned(),
    })
}

/// A valid request of [`DRIVER`] for [`owner`], in the default world.
#[must_use]
pub fn by_driver(csr_pem: Vec<u8>) -> Request {
    let mut request = around(csr_pem);
    DRIVER.clone_into(&mut request.requester.username);
    request.requester.extra = claims();
    request.owners = vec![owner()];
    request
}

/// The pod that a request is for, where it names one.
#[must_use]
pub fn owner() -> Owner {
    Owner {
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        name: "api-7".to_owned(),
        uid: "0d9a3b9c-55c6-4d2c-a6f0-a1c21a0a4e3c".to_owned(),
    }
}

/// What the token of [`owner`] says.
#[must_use]
pub fn claims() -> BTreeMap<String, Vec<String>> {
    let Owner { name, uid, .. } = owner();
    [
        (POD_NAME, name),
        (POD_UID, uid),
        (
            "authentication.kubernetes.io/node-name",
            "node-1".to_owned(),
        ),
        ("authentication.kubernetes.io/node-uid", "n".to_owned()),
    ]
    .map(|(claim, value)| (claim.to_owned(), vec![value]))
    .into()
}

/// The user that the driver is, where it uses its own service account.
pub const DRIVER: &str = "system:serviceaccount:cert-manager:driver";
/// The driver that a volume of its pods names.
pub const CSI_DRIVER: &str = "spiffe.csi.cert-manager.io";
/// The claim of a pod's name.
pub const POD_NAME: &str = "authentication.kubernetes.io/pod-name";
/// The claim of a pod's UID.
pub const POD_UID: &str = "authentication.kubernetes.io/pod-uid";

/// The usages of a valid request, in the driver's order.
pub const USAGES: [&str; 4] = [
    "digital signature",
    "key encipherment",
    "server auth",
    "client auth",
];
