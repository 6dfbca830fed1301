//! The request belongs to one Pod.
//!
//! Stops: a request that names two Pods, so that one is checked while the other is meant; and an
//! invalid name, with which the Pod would be read from another API path. Allowed: one owner, `v1`
//! `PodEvidence`, with name and UID. Refused: none, two, a `Deployment`, a `PodEvidence` of `example.org/v1`, the
//! name `../secrets/x`, no UID. Source: the driver, as the Go driver, makes the pod the only owner;
//! names of Pods are DNS subdomains (RFC 1123, `k8s.io/apimachinery/pkg/util/validation`).

use super::{Rule, broken};
use crate::names::is_subdomain;
use crate::policy::decision::Violation;
use crate::policy::request::Owner;
use crate::text::quote;

/// The one owner, if that is a Pod. Its name is legal, its UID is not empty.
pub(in crate::policy) fn pod(owners: &[Owner]) -> Result<&Owner, Violation> {
    let wanted = "the only ownerReference must be the pod that the request is for (v1 Pod)";
    let owner = match owners {
        [owner] => owner,
        [] => return broken(Rule::Owner, format!("{wanted}; there is none")),
        [_, _, ..] => {
            let count = owners.len();
            return broken(Rule::Owner, format!("{wanted}; there are {count}"));
        }
    };
    if owner.api_version != "v1" || owner.kind != "Pod" {
        let (version, kind) = (quote(&owner.api_version), quote(&owner.kind));
        return broken(Rule::Owner, format!("{wanted}, not {version} {kind}"));
    }
    if !is_subdomain(&owner.name) {
        let name = quote(&owner.name);
        return broken(
            Rule::Owner,
            format!("{wanted}; {name} is not a valid pod name"),
        );
    }
    if owner.uid.is_empty() {
        return broken(Rule::Owner, format!("{wanted}, with its UID"));
    }
    Ok(owner)
}
