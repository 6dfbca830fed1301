//! The roles that the chart and an administrator give to the two processes and to workloads.

use super::rbac::{Grant, Reach, Rule};
use super::user::ServiceAccountName;

#[derive(Debug)]
pub struct Roles;

impl Roles {
    /// The driver: watch and delete CertificateRequests, write Events, read the one ConfigMap.
    /// Nothing is created with rights of its own.
    pub fn driver(account: &ServiceAccountName, issuance: Option<(&str, &str)>) -> Vec<Grant> {
        let mut grants = vec![Grant {
            subject: account.into(),
            reach: Reach::Cluster,
            rules: vec![
                Rule::new(
                    CERT_MANAGER,
                    "certificaterequests",
                    &["get", "watch", "delete"],
                ),
                Rule::new("", "events", &["create", "patch"]),
                Rule::new("events.k8s.io", "events", &["create", "patch"]),
            ],
        }];
        grants.extend(issuance.map(|(namespace, name)| config_map(account, namespace, name)));
        grants
    }

    /// What the driver needs besides in node-attested mode: to create requests itself.
    pub fn node_attested_driver(account: &ServiceAccountName) -> Grant {
        Grant {
            subject: account.into(),
            reach: Reach::Cluster,
            rules: vec![Rule::new(CERT_MANAGER, "certificaterequests", &["create"])],
        }
    }

    /// What the approver needs besides in node-attested mode: to read the Pod that a request is
    /// for.
    pub fn node_attested_approver(account: &ServiceAccountName) -> Grant {
        Grant {
            subject: account.into(),
            reach: Reach::Cluster,
            rules: vec![Rule::new("", "pods", &["get"])],
        }
    }

    /// The approver: list and watch CertificateRequests, decide on them, hold the Lease, write
    /// Events, read the one ConfigMap.
    pub fn approver(
        account: &ServiceAccountName,
        lease_namespace: &str,
        issuance: Option<(&str, &str)>,
    ) -> Vec<Grant> {
        let verbs = ["get", "create", "update", "patch", "watch", "list"];
        let mut grants = vec![
            Grant {
                subject: account.into(),
                reach: Reach::Cluster,
                rules: vec![
                    Rule::new(
                        CERT_MANAGER,
                        "certificaterequests",
                        &["get", "list", "watch"],
                    ),
                    Rule::new(
                        CERT_MANAGER,
                        "certificaterequests/status",
                        &["update", "patch"],
                    ),
                    Rule::new(CERT_MANAGER, "signers", &["approve"]),
                    Rule::new("", "events", &["create", "patch"]),
                    Rule::new("events.k8s.io", "events", &["create", "patch"]),
                ],
            },
            Grant {
                subject: account.into(),
                reach: Reach::Namespace(lease_namespace.to_owned()),
                rules: vec![Rule::new("coordination.k8s.io", "leases", &verbs)],
            },
        ];
        grants.extend(issuance.map(|(namespace, name)| config_map(account, namespace, name)));
        grants
    }

    /// A workload in pod-token mode: create CertificateRequests in its own namespace.
    pub fn workload(account: &ServiceAccountName) -> Grant {
        Grant {
            subject: account.into(),
            reach: Reach::Namespace(account.namespace.clone()),
            rules: vec![Rule::new(CERT_MANAGER, "certificaterequests", &["create"])],
        }
    }
}

fn config_map(account: &ServiceAccountName, namespace: &str, name: &str) -> Grant {
    Grant {
        subject: account.into(),
        reach: Reach::Namespace(namespace.to_owned()),
        rules: vec![Rule::new("", "configmaps", &["get", "list", "watch"]).named(name)],
    }
}

const CERT_MANAGER: &str = "cert-manager.io";
