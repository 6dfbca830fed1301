//! The objects that are read, as far as they are looked at.
//!
//! Owns shapes only. Names are bounded by the API server; lists, and texts that people write, are
//! bounded here, and environment, arguments and labels of others' pods are never built. Invariant:
//! nothing here can hold a Secret.

mod cluster;
mod issuers;
mod pods;
mod roles;

use std::marker::PhantomData;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use svid_api::bounded::{Few, Text};
use svid_client::watch::Versioned;

pub(crate) use cluster::{
    Binding, ConfigMap, CsiDriver, CsiNode, Event, Lease, LimitRange, Namespace, Node, Policy,
    ResourceQuota, Webhooks,
};
pub(crate) use issuers::{CertificateRequest, Issuer};
pub(crate) use pods::Pod;
pub(crate) use roles::{Container, DaemonSet, Deployment, RunsPods};

/// An object in three parts, as nearly all of them are.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Object<Spec, Status = Nothing> {
    pub(crate) metadata: Metadata,
    pub(crate) spec: Spec,
    pub(crate) status: Status,
}

impl<Spec, Status> Versioned for Object<Spec, Status> {
    fn resource_version(&self) -> &str {
        &self.metadata.resource_version
    }
}

/// What is not looked at.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Nothing {}

/// Which object it is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Metadata {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) resource_version: String,
    pub(crate) generation: i64,
    pub(crate) creation_timestamp: Option<Text<64>>,
    pub(crate) deletion_timestamp: Option<Text<64>>,
    pub(crate) labels: Labels,
    pub(crate) annotations: Annotations,
    pub(crate) owner_references: Few<Owner, 8>,
}

/// Those labels that somebody reads.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Labels {
    #[serde(rename = "app.kubernetes.io/name")]
    pub(crate) name: Text<64>,
    #[serde(rename = "app.kubernetes.io/component")]
    pub(crate) component: Text<64>,
    #[serde(rename = "app.kubernetes.io/instance")]
    pub(crate) instance: Text<64>,
    #[serde(rename = "app.kubernetes.io/version")]
    pub(crate) version: Text<64>,
    #[serde(rename = "kubernetes.io/os")]
    pub(crate) os: Text<64>,
    #[serde(rename = "pod-security.kubernetes.io/enforce")]
    pub(crate) pod_security: Text<64>,
    #[serde(rename = "cert-manager.io/disable-validation")]
    pub(crate) disable_validation: Text<64>,
}

/// The one annotation that somebody reads, of requests.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Annotations {
    #[serde(rename = "spiffe.csi.cert-manager.io/identity")]
    pub(crate) identity: Option<Text<512>>,
}

/// What an object goes with.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Owner {
    pub(crate) uid: Text<64>,
}

/// A statement about an object, by its controller.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Condition {
    #[serde(rename = "type")]
    pub(crate) kind: Text<64>,
    pub(crate) status: Text<16>,
    pub(crate) message: Text<1024>,
}

impl Metadata {
    /// `NAMESPACE/NAME`, or the name of what is in no namespace.
    pub(crate) fn place(&self) -> String {
        if self.namespace.is_empty() {
            self.name.clone()
        } else {
            format!("{}/{}", self.namespace, self.name)
        }
    }

    /// The UIDs of what it goes with.
    pub(crate) fn owners(&self) -> impl Iterator<Item = &str> {
        let owners = self.owner_references.kept.iter();
        owners.map(|owner| owner.uid.beginning())
    }

    pub(crate) fn is_owned_by(&self, uid: &str) -> bool {
        self.owners().any(|owner| owner == uid)
    }
}

/// Reads `null` as the empty value: Kubernetes writes it for empty lists whose field is required.
fn null_is_empty<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A time as the API server writes it; `None` for what is none.
pub(crate) fn time<const MOST: usize>(text: Option<&Text<MOST>>) -> Option<Timestamp> {
    text?.whole()?.parse().ok()
}

/// All objects of one type.
pub(crate) struct Collection<T> {
    api: &'static str,
    plural: &'static str,
    kind: PhantomData<fn() -> T>,
}

impl<T> Collection<T> {
    const fn new(api: &'static str, plural: &'static str) -> Self {
        let kind = PhantomData;
        Self { api, plural, kind }
    }

    /// The path of the collection, in one namespace or in the cluster.
    pub(crate) fn path(&self, namespace: Option<&str>) -> String {
        match namespace {
            Some(namespace) => format!("{}/namespaces/{namespace}/{}", self.api, self.plural),
            None => format!("{}/{}", self.api, self.plural),
        }
    }

    pub(crate) fn plural(&self) -> &'static str {
        self.plural
    }
}

pub(crate) const BINDINGS: Collection<Binding> =
    Collection::new(ADMISSION, "validatingadmissionpolicybindings");
pub(crate) const CLUSTER_ISSUERS: Collection<Issuer> =
    Collection::new(CERT_MANAGER, "clusterissuers");
pub(crate) const CONFIG_MAPS: Collection<ConfigMap> = Collection::new("/api/v1", "configmaps");
pub(crate) const CSI_DRIVERS: Collection<CsiDriver> = Collection::new(STORAGE, "csidrivers");
pub(crate) const CSI_NODES: Collection<CsiNode> = Collection::new(STORAGE, "csinodes");
pub(crate) const DAEMON_SETS: Collection<DaemonSet> =
    Collection::new("/apis/apps/v1", "daemonsets");
pub(crate) const DEPLOYMENTS: Collection<Deployment> =
    Collection::new("/apis/apps/v1", "deployments");
pub(crate) const EVENTS: Collection<Event> = Collection::new("/apis/events.k8s.io/v1", "events");
pub(crate) const ISSUERS: Collection<Issuer> = Collection::new(CERT_MANAGER, "issuers");
pub(crate) const LEASES: Collection<Lease> =
    Collection::new("/apis/coordination.k8s.io/v1", "leases");
pub(crate) const LIMIT_RANGES: Collection<LimitRange> = Collection::new("/api/v1", "limitranges");
pub(crate) const MUTATING: Collection<Webhooks> =
    Collection::new(ADMISSION, "mutatingwebhookconfigurations");
pub(crate) const NAMESPACES: Collection<Namespace> = Collection::new("/api/v1", "namespaces");
pub(crate) const NODES: Collection<Node> = Collection::new("/api/v1", "nodes");
pub(crate) const PODS: Collection<Pod> = Collection::new("/api/v1", "pods");
pub(crate) const POLICIES: Collection<Policy> =
    Collection::new(ADMISSION, "validatingadmissionpolicies");
pub(crate) const REQUESTS: Collection<CertificateRequest> =
    Collection::new(CERT_MANAGER, "certificaterequests");
pub(crate) const RESOURCE_QUOTAS: Collection<ResourceQuota> =
    Collection::new("/api/v1", "resourcequotas");
pub(crate) const VALIDATING: Collection<Webhooks> =
    Collection::new(ADMISSION, "validatingwebhookconfigurations");

const ADMISSION: &str = "/apis/admissionregistration.k8s.io/v1";
const CERT_MANAGER: &str = "/apis/cert-manager.io/v1";
const STORAGE: &str = "/apis/storage.k8s.io/v1";
