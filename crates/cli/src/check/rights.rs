//! Owns what is asked about rights: those that the roles need (docs/operations.md, "What the
//! cluster needs"), those that nobody else should have, and those that installing takes.
//!
//! Must not ask. Invariant: a pure function of what was found.

use std::collections::BTreeSet;

use svid_approver::Configuration as ApproverConfiguration;
use svid_client::issuer::ConfigMapName;
use svid_core::policy::{Attestation, IssuerReference};
use svid_node::driver::{Configuration as DriverConfiguration, RequestMode};

use super::account::Account;
use super::look::objects::Pod;
use super::snapshot::Asked;

const CERT_MANAGER: &str = "cert-manager.io";
const REQUESTS: &str = "certificaterequests";
const LEASES: &str = "coordination.k8s.io";

/// What the driver needs.
pub(crate) fn of_driver(account: &Account, driver: &DriverConfiguration) -> Vec<Asked> {
    let mut verbs = vec!["get", "watch", "delete"];
    if driver.installation.requester == RequestMode::Driver {
        verbs.push("create");
    }
    let mut asked: Vec<Asked> = verbs
        .into_iter()
        .map(|verb| ask(account, verb, CERT_MANAGER, REQUESTS))
        .collect();
    asked.push(ask(account, "create", "events.k8s.io", "events"));
    asked.extend(config_map(account, driver.runtime_issuance.as_ref()));
    asked
}

/// What the approver needs, but for its right over the signer.
pub(crate) fn of_approver(account: &Account, approver: &ApproverConfiguration) -> Vec<Asked> {
    let mut asked: Vec<Asked> = ["get", "list", "watch"]
        .into_iter()
        .map(|verb| ask(account, verb, CERT_MANAGER, REQUESTS))
        .collect();
    asked.push(Asked {
        subresource: "status",
        ..ask(account, "patch", CERT_MANAGER, REQUESTS)
    });
    let lease = |verb: &'static str, name: &str| Asked {
        namespace: approver.leader_election_namespace.clone(),
        name: name.to_owned(),
        ..ask(account, verb, LEASES, "leases")
    };
    let name = approver.driver_name.as_str();
    // A create cannot be allowed by name.
    asked.extend([
        lease("get", name),
        lease("update", name),
        lease("create", ""),
    ]);
    if matches!(approver.attestation, Attestation::Node(_)) {
        asked.push(ask(account, "get", "", "pods"));
    }
    asked.extend(config_map(account, approver.runtime_issuance.as_ref()));
    asked
}

/// Whether an account may approve for an issuer: cert-manager asks for the signer by its name, then
/// by the wildcard of its kind. A namespaced issuer is a signer in each namespace.
pub(crate) fn of_signer(
    account: &Account,
    issuer: &IssuerReference,
    namespaces: &BTreeSet<&str>,
) -> Vec<Asked> {
    let IssuerReference { name, kind, group } = issuer;
    let plural = format!("{}s.{group}", kind.to_ascii_lowercase());
    let mut signers = vec![format!("{plural}/*")];
    if kind == "Issuer" {
        let each = namespaces.iter().take(MOST_NAMESPACES);
        signers.extend(each.map(|namespace| format!("{plural}/{namespace}.{name}")));
    } else {
        signers.push(format!("{plural}/{name}"));
    }
    let asked = signers.into_iter().map(|name| Asked {
        name,
        ..ask(account, "approve", CERT_MANAGER, "signers")
    });
    asked.collect()
}

/// What the accounts of pods need in pod-token mode, and for how many of them nothing is asked.
pub(crate) fn of_workloads(pods: &[Pod], driver: &str) -> (Vec<Asked>, usize) {
    let ours = pods.iter().filter(|pod| pod.uses(driver));
    let accounts: BTreeSet<Account> = ours
        .map(|pod| Account::new(&pod.metadata.namespace, &pod.spec.service_account_name))
        .collect();
    let left_out = accounts.len().saturating_sub(MOST_ACCOUNTS);
    let asked = accounts.iter().take(MOST_ACCOUNTS).map(|account| Asked {
        namespace: account.namespace.clone(),
        ..ask(account, "create", CERT_MANAGER, REQUESTS)
    });
    (asked.collect(), left_out)
}

/// Namespaces of pods with volumes of a driver.
pub(crate) fn using<'a>(pods: &'a [Pod], driver: &str) -> BTreeSet<&'a str> {
    let ours = pods.iter().filter(|pod| pod.uses(driver));
    ours.map(|pod| pod.metadata.namespace.as_str()).collect()
}

/// What installing the chart takes.
pub(crate) fn of_installer(namespace: &str) -> Vec<Asked> {
    const RBAC: &str = "rbac.authorization.k8s.io";
    const ADMISSION: &str = "admissionregistration.k8s.io";
    let asked = |group, resource, namespace: &str| Asked {
        verb: "create",
        group,
        resource,
        namespace: namespace.to_owned(),
        ..Asked::default()
    };
    let within = [
        ("apps", "daemonsets"),
        ("apps", "deployments"),
        ("", "serviceaccounts"),
        ("", "services"),
        (RBAC, "roles"),
        (RBAC, "rolebindings"),
        ("policy", "poddisruptionbudgets"),
    ];
    let everywhere = [
        ("storage.k8s.io", "csidrivers"),
        (RBAC, "clusterroles"),
        (RBAC, "clusterrolebindings"),
        (ADMISSION, "validatingadmissionpolicies"),
        (ADMISSION, "validatingadmissionpolicybindings"),
    ];
    let within = within.map(|(group, resource)| asked(group, resource, namespace));
    let everywhere = everywhere.map(|(group, resource)| asked(group, resource, ""));
    within.into_iter().chain(everywhere).collect()
}

fn config_map(account: &Account, named: Option<&ConfigMapName>) -> Vec<Asked> {
    let Some(named) = named else {
        return Vec::new();
    };
    let asked = ["get", "list", "watch"].into_iter().map(|verb| Asked {
        namespace: named.namespace.clone(),
        name: named.name.clone(),
        ..ask(account, verb, "", "configmaps")
    });
    asked.collect()
}

fn ask(
    account: &Account,
    verb: &'static str,
    group: &'static str,
    resource: &'static str,
) -> Asked {
    Asked {
        who: Some(account.clone()),
        verb,
        group,
        resource,
        ..Asked::default()
    }
}

/// Accounts of pods that are asked about; each is one call.
const MOST_ACCOUNTS: usize = 200;
/// Namespaces with an issuer of their own that are asked about; each is one call.
pub(crate) const MOST_NAMESPACES: usize = 200;
