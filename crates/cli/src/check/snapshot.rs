//! Owns what was read of a cluster, for the judgement.
//!
//! Must not read anything itself. Invariant: what could not be read is an [`Unseen`], never an
//! empty list.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use svid_api::bounded::{Few, Text};
use svid_client::ApiError;
use svid_core::policy::IssuerReference;

use super::account::Account;
use super::look::Source;
use super::look::objects::{
    Binding, CertificateRequest, ConfigMap, CsiDriver, CsiNode, Deployment, Event, Issuer, Lease,
    LimitRange, Namespace, Node, Pod, Policy, ResourceQuota, Webhooks,
};
use super::release::Release;

/// What was read, or why it was not.
pub(crate) type Seen<T> = Result<T, Unseen>;

/// Something that could not be read.
#[derive(Clone, Debug)]
pub(crate) struct Unseen {
    what: String,
    why: String,
    /// The API server does not know the type.
    pub(crate) is_unknown: bool,
}

impl Unseen {
    /// Takes the verb and the resource, and what the API server said.
    pub(crate) fn new(what: String, error: &ApiError) -> Self {
        Self {
            what,
            why: error.to_string(),
            is_unknown: *error == ApiError::NotFound,
        }
    }
}

impl fmt::Display for Unseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not looked at: {}: {}", self.what, self.why)
    }
}

/// Everything that is judged.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) now: Timestamp,
    /// The CSI driver's name.
    pub(crate) driver: String,
    /// The namespace of the release, or where it is to be.
    pub(crate) namespace: String,
    pub(crate) is_before: bool,
    pub(crate) version: Seen<Version>,
    pub(crate) certmanager: CertManager,
    pub(crate) issuance: Issuance,
    pub(crate) deciders: Deciders,
    pub(crate) release: Seen<Release>,
    pub(crate) csi_driver: Seen<Option<CsiDriver>>,
    pub(crate) nodes: Seen<Vec<Node>>,
    pub(crate) csi_nodes: Seen<Vec<CsiNode>>,
    /// The driver's own pods, and those with its volumes.
    pub(crate) pods: Seen<Vec<Pod>>,
    pub(crate) lease: Seen<Option<Lease>>,
    pub(crate) rights: Rights,
    /// `None`: the driver has no such flag.
    pub(crate) roots: Option<Roots>,
    pub(crate) namespaces: Seen<Vec<Namespace>>,
    pub(crate) limit_ranges: Seen<Vec<LimitRange>>,
    pub(crate) quotas: Seen<Vec<ResourceQuota>>,
    /// On the DaemonSet, and in namespaces whose pods wait; none are read without a release.
    pub(crate) events: Seen<Vec<Event>>,
    /// Those for our issuer that nobody has decided on, and some that were signed; none are read
    /// without a release.
    pub(crate) requests: Seen<Vec<CertificateRequest>>,
}

/// What `/version` says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Version {
    pub(crate) major: Text<16>,
    pub(crate) minor: Text<16>,
    pub(crate) git_version: Text<128>,
}

impl Version {
    /// Of 1.37: 37. Clouds write `37+`.
    pub(crate) fn minor(&self) -> Option<u32> {
        if self.major.beginning() != "1" {
            return None;
        }
        let digits = self.minor.beginning().trim_end_matches('+');
        digits.parse().ok()
    }
}

/// cert-manager itself.
#[derive(Clone, Debug)]
pub(crate) struct CertManager {
    /// `None`: there is no such group.
    pub(crate) kinds: Seen<Option<Kinds>>,
    /// Its controllers; whatever else is installed under its label.
    pub(crate) controllers: Seen<Vec<Deployment>>,
    pub(crate) mutating: Seen<Vec<Webhooks>>,
    pub(crate) validating: Seen<Vec<Webhooks>>,
}

/// What is served of an API group (`APIResourceList`).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Kinds {
    pub(crate) resources: Few<Served, 256>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Served {
    pub(crate) name: Text<128>,
}

/// Who signs.
#[derive(Clone, Debug)]
pub(crate) struct Issuance {
    /// Where the issuer is named at run time, and what is there.
    pub(crate) config_map: Option<(String, Seen<Option<ConfigMap>>)>,
    /// The one in effect, as far as it is known.
    pub(crate) issuer: Option<IssuerReference>,
    /// All issuers of cert-manager's own kinds.
    pub(crate) cluster_issuers: Seen<Vec<Issuer>>,
    pub(crate) issuers: Seen<Vec<Issuer>>,
}

/// Who may decide for our issuer.
#[derive(Clone, Debug)]
pub(crate) struct Deciders {
    /// Whether cert-manager's own approver may.
    pub(crate) others: Vec<Review>,
    /// Installations of cert-manager beyond those that were asked for.
    pub(crate) others_left_out: usize,
    pub(crate) policies: Seen<Vec<Policy>>,
    pub(crate) bindings: Seen<Vec<Binding>>,
}

/// Who may do what.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rights {
    pub(crate) driver: Vec<Review>,
    pub(crate) approver: Vec<Review>,
    /// Of the approver, over our signer.
    pub(crate) signer: Vec<Review>,
    /// Of the accounts of pods with our volumes.
    pub(crate) workloads: Vec<Review>,
    /// Accounts beyond those that were asked for.
    pub(crate) workloads_left_out: usize,
    /// Of whoever runs this command, before the chart is installed.
    pub(crate) installer: Vec<Review>,
}

/// The file with the roots, followed to where it is from.
#[derive(Clone, Debug)]
pub(crate) struct Roots {
    /// The file that the flag names.
    pub(crate) file: String,
    pub(crate) source: Source,
    /// The ConfigMap; `None` also where the source is none.
    pub(crate) found: Seen<Option<ConfigMap>>,
}

/// A question about rights, and its answer.
#[derive(Clone, Debug)]
pub(crate) struct Review {
    pub(crate) asked: Asked,
    pub(crate) allowed: Seen<bool>,
}

/// A question about rights.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// `None`: whoever asks.
    pub(crate) who: Option<Account>,
    pub(crate) verb: &'static str,
    pub(crate) group: &'static str,
    pub(crate) resource: &'static str,
    pub(crate) subresource: &'static str,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.subresource.is_empty() {
            write!(f, "/{}", self.subresource)?;
        }
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if !self.name.is_empty() {
            write!(f, " {}", self.name)?;
        }
        if !self.namespace.is_empty() {
            write!(f, " in {}", self.namespace)?;
        }
        Ok(())
    }
}
