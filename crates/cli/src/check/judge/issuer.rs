//! The issuer: named, there, ready, able to sign, and alone with its CA.

use std::collections::BTreeSet;

use svid_api::runtime_issuer::RuntimeIssuer;
use svid_core::policy::IssuerReference;

use super::judged;
use crate::check::catalogue::Check;
use crate::check::look::objects::{Deployment, Issuer};
use crate::check::outcome::{Findings, Outcome};
use crate::check::rights::using;
use crate::check::snapshot::{Seen, Snapshot};

pub(super) fn judge(seen: &Snapshot) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    if !seen.is_before && (seen.issuance.issuer.is_some() || seen.issuance.config_map.is_some()) {
        outcomes.push(judged(Check::IssuerNamed, |findings| {
            judge_name(findings, seen);
        }));
    }
    let Some(issuer) = &seen.issuance.issuer else {
        return outcomes;
    };
    let mut there = Findings::of(Check::IssuerThere);
    let found = find(&mut there, seen, issuer);
    outcomes.push(there.done());
    if found.is_empty() {
        return outcomes;
    }
    outcomes.push(judged(Check::IssuerReady, |findings| {
        for one in &found {
            if let Err(why) = one.ready() {
                let (kind, place) = (&issuer.kind, one.metadata.place());
                findings.error(format!("{kind} {place} is not Ready: {why}"));
            }
        }
    }));
    outcomes.push(judged(Check::IssuerCanSign, |findings| {
        for one in &found {
            judge_kind(findings, issuer, one);
        }
    }));
    outcomes.push(judged(Check::IssuerSecretShared, |findings| {
        for one in &found {
            judge_secret(findings, seen, one);
        }
    }));
    outcomes
}

fn judge_name(findings: &mut Findings, seen: &Snapshot) {
    let Some((place, found)) = &seen.issuance.config_map else {
        return;
    };
    let what = match found {
        Ok(Some(map)) => match RuntimeIssuer::from_config_map_data(&map.data) {
            Ok(_) => return,
            Err(error) => format!("the ConfigMap {place} is incomplete: {error}"),
        },
        Ok(None) => format!("the ConfigMap {place} does not exist"),
        Err(unseen) => return findings.unseen(unseen),
    };
    match &seen.issuance.issuer {
        Some(issuer) => findings.warning(format!("{what}; the flags name {issuer}")),
        None => findings.error(format!("{what}, and the flags name none")),
    }
}

/// The objects of the issuer: one, or for an Issuer one in each namespace with our pods.
fn find<'a>(
    findings: &mut Findings,
    seen: &'a Snapshot,
    issuer: &IssuerReference,
) -> Vec<&'a Issuer> {
    let IssuerReference { name, kind, group } = issuer;
    let (all, namespaces) = match (group.as_str(), kind.as_str()) {
        ("cert-manager.io", "ClusterIssuer") => {
            (&seen.issuance.cluster_issuers, BTreeSet::from([""]))
        }
        ("cert-manager.io", "Issuer") => match &seen.pods {
            Ok(pods) => (&seen.issuance.issuers, using(pods, &seen.driver)),
            Err(unseen) => {
                findings.unseen(unseen);
                return Vec::new();
            }
        },
        ("cert-manager.io", kind) => {
            findings.error(format!("cert-manager has no kind {kind}"));
            return Vec::new();
        }
        (group, _) => {
            findings.skipped(format!("{issuer}: issuers of {group} are not looked at"));
            return Vec::new();
        }
    };
    let all = match all {
        Ok(all) => all,
        Err(unseen) => {
            findings.unseen(unseen);
            return Vec::new();
        }
    };
    if namespaces.is_empty() {
        findings.skipped("no namespace has pods with our volumes yet");
    }
    let mut found = Vec::new();
    for namespace in namespaces {
        let is_it =
            |one: &&Issuer| one.metadata.name == *name && one.metadata.namespace == namespace;
        match all.iter().find(is_it) {
            Some(one) => found.push(one),
            None if namespace.is_empty() => {
                findings.error(format!("there is no {kind} {name}"));
            }
            None => findings.error(format!("there is no {kind} {namespace}/{name}")),
        }
    }
    found
}

fn judge_kind(findings: &mut Findings, issuer: &IssuerReference, one: &Issuer) {
    let place = format!("{} {}", issuer.kind, one.metadata.place());
    let spec = &one.spec;
    if spec.self_signed.is_some() {
        findings.error(format!(
            "{place} is SelfSigned: each certificate is a root of its own"
        ));
    } else if spec.acme.is_some() {
        findings.error(format!("{place} is ACME: it signs no URI names"));
    } else if spec.ca.is_none() && spec.vault.is_none() {
        findings.warning(format!(
            "{place} is neither CA nor Vault: whether it can is not known"
        ));
    }
}

/// Looks for others that sign with the Secret of this one.
fn judge_secret(findings: &mut Findings, seen: &Snapshot, ours: &Issuer) {
    let Some(secret) = secret(ours) else {
        return;
    };
    let shared = cluster_namespace(&seen.certmanager.controllers);
    for (kind, issuers) in [
        ("Issuer", &seen.issuance.issuers),
        ("ClusterIssuer", &seen.issuance.cluster_issuers),
    ] {
        let issuers = match issuers {
            Ok(issuers) => issuers,
            Err(unseen) => {
                findings.unseen(unseen);
                continue;
            }
        };
        let others = issuers.iter().filter(|one| {
            self::secret(one) == Some(secret) && one.metadata.place() != ours.metadata.place()
        });
        for other in others {
            let name = other.metadata.place();
            match is_same_namespace(ours, other, shared.as_deref()) {
                Some(true) => {
                    findings.error(format!("{kind} {name} signs with the Secret {secret} too"));
                }
                Some(false) => {}
                None => findings.partly(format!(
                    "not looked at: whether {kind} {name} signs with the same Secret {secret}, \
                     since the namespace of the Secrets of ClusterIssuers is not known"
                )),
            }
        }
    }
}

/// Whether two issuers have their Secrets in one namespace, of which that of ClusterIssuers may not
/// be known.
fn is_same_namespace(one: &Issuer, other: &Issuer, shared: Option<&str>) -> Option<bool> {
    let [one, other] = [one, other].map(|issuer| issuer.metadata.namespace.as_str());
    match (one, other) {
        ("", "") => Some(true),
        ("", namespace) | (namespace, "") => Some(shared? == namespace),
        _ => Some(one == other),
    }
}

fn secret(issuer: &Issuer) -> Option<&str> {
    Some(issuer.spec.ca.as_ref()?.secret_name.beginning())
}

/// The namespace of the Secrets of ClusterIssuers, if the controller is known.
fn cluster_namespace(controllers: &Seen<Vec<Deployment>>) -> Option<String> {
    let controller = controllers.as_ref().ok()?.first()?;
    let containers = controller.spec.template.spec.containers.kept.iter();
    let mut words = containers.flat_map(|one| one.words().unwrap_or_default());
    let flag = words.find_map(|word| {
        let value = word.strip_prefix("--cluster-resource-namespace=")?;
        Some(value.to_owned())
    });
    // The manifests give it by a field reference, `$(POD_NAMESPACE)`.
    let flag =
        flag.filter(|value| !value.is_empty() && value != "node" && !value.starts_with("$("));
    Some(flag.unwrap_or_else(|| controller.metadata.namespace.clone()))
}
