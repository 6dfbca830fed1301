//! The table of what the API server serves: one row per resource type.
//!
//! Owns names only (group, version, plural, kind, scope). Knows nothing of storage, HTTP or rights.
//! A type that is not in this table is a 404, as an unknown group is on a real API server.

/// One resource type. Rows are `'static`; two rows never share a group and plural.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource {
    /// API group; empty for the core group.
    pub group: &'static str,
    /// Lower-case plural, as it stands in paths and in RBAC rules.
    pub plural: &'static str,
    /// The one served version.
    pub version: &'static str,
    pub kind: &'static str,
    /// Whether objects live in a namespace or in the cluster.
    pub scope: Scope,
    /// Whether `status` is written through a path of its own.
    pub status: StatusWrites,
    /// Whether the server counts changes of the specification in `metadata.generation`.
    pub generation: Generation,
    /// Names that `kubectl` accepts beside the plural.
    pub short_names: &'static [&'static str],
}

/// Where objects of a type live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    Namespaced,
    Cluster,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StatusWrites {
    /// Only through the `status` subresource; ignored at create and on the object's own path.
    Subresource,
    /// The type has no status, or treats it as any other field.
    WithObject,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Generation {
    /// Starts at 1 and grows with every change outside metadata and status.
    Counted,
    /// Never set.
    Absent,
}

impl Resource {
    /// `v1`, or `group/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// `plural`, or `plural.group`: how error texts name a type.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.plural.to_owned()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// The kind in lower case: how `kubectl` takes it beside the plural.
    pub fn singular(&self) -> String {
        self.kind.to_ascii_lowercase()
    }

    /// The row for this group, version and plural.
    pub fn find(group: &str, version: &str, plural: &str) -> Option<&'static Self> {
        ALL.iter()
            .copied()
            .find(|row| row.group == group && row.version == version && row.plural == plural)
    }
}

/// A namespaced type of the core group, without a status of its own.
const fn core(
    plural: &'static str,
    kind: &'static str,
    short_names: &'static [&'static str],
) -> Resource {
    Resource {
        group: "",
        version: "v1",
        plural,
        kind,
        scope: Scope::Namespaced,
        status: StatusWrites::WithObject,
        generation: Generation::Absent,
        short_names,
    }
}

/// A cluster-scoped type without a status of its own.
const fn of_cluster(group: &'static str, plural: &'static str, kind: &'static str) -> Resource {
    Resource {
        group,
        scope: Scope::Cluster,
        ..core(plural, kind, &[])
    }
}

/// A namespaced type whose specification a controller follows and whose status it writes.
const fn controlled(
    group: &'static str,
    plural: &'static str,
    kind: &'static str,
    short_names: &'static [&'static str],
) -> Resource {
    Resource {
        group,
        status: StatusWrites::Subresource,
        generation: Generation::Counted,
        ..core(plural, kind, short_names)
    }
}

const ADMISSION: &str = "admissionregistration.k8s.io";
const APPS: &str = "apps";
const AUTHORIZATION: &str = "authorization.k8s.io";
const CERT_MANAGER: &str = "cert-manager.io";
const STORAGE: &str = "storage.k8s.io";

pub static NAMESPACES: Resource = Resource {
    scope: Scope::Cluster,
    ..core("namespaces", "Namespace", &["ns"])
};
pub static NODES: Resource = Resource {
    scope: Scope::Cluster,
    status: StatusWrites::Subresource,
    ..core("nodes", "Node", &["no"])
};
pub static PODS: Resource = controlled("", "pods", "Pod", &["po"]);
/// core/v1 ServiceAccount, with the `token` subresource.
pub static SERVICE_ACCOUNTS: Resource = core("serviceaccounts", "ServiceAccount", &["sa"]);
pub static CONFIG_MAPS: Resource = core("configmaps", "ConfigMap", &["cm"]);
pub static EVENTS: Resource = Resource {
    group: "events.k8s.io",
    ..core("events", "Event", &["ev"])
};
pub static LEASES: Resource = Resource {
    group: "coordination.k8s.io",
    ..core("leases", "Lease", &[])
};
pub static CSI_DRIVERS: Resource = of_cluster(STORAGE, "csidrivers", "CSIDriver");
/// storage.k8s.io/v1 CSINode.
pub static CSI_NODES: Resource = of_cluster(STORAGE, "csinodes", "CSINode");
/// apps/v1 DaemonSet; nothing makes pods of it.
pub static DAEMON_SETS: Resource = controlled(APPS, "daemonsets", "DaemonSet", &["ds"]);
/// apps/v1 Deployment; nothing makes pods of it.
pub static DEPLOYMENTS: Resource = controlled(APPS, "deployments", "Deployment", &["deploy"]);
/// core/v1 LimitRange; nothing is limited by it.
pub static LIMIT_RANGES: Resource = core("limitranges", "LimitRange", &["limits"]);
/// core/v1 ResourceQuota; nothing is limited by it.
pub static RESOURCE_QUOTAS: Resource = Resource {
    status: StatusWrites::Subresource,
    ..core("resourcequotas", "ResourceQuota", &["quota"])
};
/// admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy; none is applied.
pub static VALIDATING_ADMISSION_POLICIES: Resource = Resource {
    status: StatusWrites::Subresource,
    generation: Generation::Counted,
    ..of_cluster(
        ADMISSION,
        "validatingadmissionpolicies",
        "ValidatingAdmissionPolicy",
    )
};
/// admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding; none is applied.
pub static VALIDATING_ADMISSION_POLICY_BINDINGS: Resource = of_cluster(
    ADMISSION,
    "validatingadmissionpolicybindings",
    "ValidatingAdmissionPolicyBinding",
);
/// admissionregistration.k8s.io/v1 MutatingWebhookConfiguration; none is called.
pub static MUTATING_WEBHOOKS: Resource = of_cluster(
    ADMISSION,
    "mutatingwebhookconfigurations",
    "MutatingWebhookConfiguration",
);
/// admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration; none is called.
pub static VALIDATING_WEBHOOKS: Resource = of_cluster(
    ADMISSION,
    "validatingwebhookconfigurations",
    "ValidatingWebhookConfiguration",
);
/// authorization.k8s.io/v1 SubjectAccessReview: answered, and not kept.
pub static SUBJECT_ACCESS_REVIEWS: Resource =
    of_cluster(AUTHORIZATION, "subjectaccessreviews", "SubjectAccessReview");
/// authorization.k8s.io/v1 SelfSubjectAccessReview: answered, and not kept.
pub static SELF_SUBJECT_ACCESS_REVIEWS: Resource = of_cluster(
    AUTHORIZATION,
    "selfsubjectaccessreviews",
    "SelfSubjectAccessReview",
);
/// cert-manager.io/v1 CertificateRequest.
pub static CERTIFICATE_REQUESTS: Resource = controlled(
    CERT_MANAGER,
    "certificaterequests",
    "CertificateRequest",
    &["cr", "crs"],
);
pub static ISSUERS: Resource = controlled(CERT_MANAGER, "issuers", "Issuer", &["iss"]);
pub static CLUSTER_ISSUERS: Resource = Resource {
    scope: Scope::Cluster,
    ..controlled(CERT_MANAGER, "clusterissuers", "ClusterIssuer", &["ciss"])
};

/// Every served type, in the order of discovery.
pub static ALL: &[&Resource] = &[
    &NAMESPACES,
    &NODES,
    &PODS,
    &SERVICE_ACCOUNTS,
    &CONFIG_MAPS,
    &EVENTS,
    &LEASES,
    &CSI_DRIVERS,
    &CSI_NODES,
    &DAEMON_SETS,
    &DEPLOYMENTS,
    &LIMIT_RANGES,
    &RESOURCE_QUOTAS,
    &VALIDATING_ADMISSION_POLICIES,
    &VALIDATING_ADMISSION_POLICY_BINDINGS,
    &MUTATING_WEBHOOKS,
    &VALIDATING_WEBHOOKS,
    &SUBJECT_ACCESS_REVIEWS,
    &SELF_SUBJECT_ACCESS_REVIEWS,
    &CERTIFICATE_REQUESTS,
    &ISSUERS,
    &CLUSTER_ISSUERS,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_rows_share_a_path() {
        let paths: BTreeSet<_> = ALL
            .iter()
            .map(|row| (row.group, row.version, row.plural))
            .collect();
        assert_eq!(paths.len(), ALL.len());
    }

    #[test]
    fn a_row_is_found_by_group_version_and_plural_only() {
        assert_eq!(Resource::find("", "v1", "pods"), Some(&PODS));
        assert_eq!(
            Resource::find("events.k8s.io", "v1", "events"),
            Some(&EVENTS)
        );
        assert_eq!(Resource::find("", "v2", "pods"), None);
        assert_eq!(Resource::find("cert-manager.io", "v1", "pods"), None);
    }
}
