//! The pod of the requester's token is the one that owns the request. Pod-token mode only.
//!
//! Stops: a token that was stolen from one pod and makes requests in the name of another one of its
//! service account, which tools and people would then look at; and, if the administrator asks for
//! it, everything but a pod: tokens from a Secret or from `kubectl create token`, which outlive
//! every pod.
//! Allowed: a token of pod `api-7` on a request owned by `api-7`, names and UIDs being the same;
//! a token of no pod, unless `--require-pod-bound-token` is given.
//! Refused: a token of pod `api-7` on a request owned by `api-8`, or by nobody.
//! Source: `k8s.io/apiserver/pkg/authentication/serviceaccount/util.go` (`pod-name`, `pod-uid`:
//! claims that the API server has verified against the living pod).

use super::{Rule, RuleResult, broken, owner};
use crate::policy::claims::{Claim, POD_NAME, POD_UID, claim};
use crate::policy::request::{Credentials, Owner, Requester};
use crate::text::quote;

/// Compares the token's pod, if it has one, with the request's owner.
pub(in crate::policy) fn check(
    requester: &Requester,
    owners: &[Owner],
    credentials: Credentials,
) -> RuleResult {
    let (name, uid) = match (claim(requester, POD_NAME), claim(requester, POD_UID)) {
        (Claim::Says(name), Claim::Says(uid)) => (name, uid),
        (Claim::Absent, Claim::Absent) => return unbound(credentials),
        _ => {
            return broken(
                Rule::PodToken,
                format!(
                    "the requester's token must contain both {POD_NAME} and {POD_UID}, once \
                    each"
                ),
            );
        }
    };
    let owner = owner::pod(owners)?;
    if (owner.name.as_str(), owner.uid.as_str()) == (name, uid) {
        return Ok(());
    }
    let (name, uid) = (quote(name), quote(uid));
    let (owner_name, owner_uid) = (quote(&owner.name), quote(&owner.uid));
    broken(
        Rule::PodToken,
        format!(
            "the requester's token belongs to pod {name} with UID {uid}, but the request is owned \
             by pod {owner_name} with UID {owner_uid}"
        ),
    )
}

fn unbound(credentials: Credentials) -> RuleResult {
    match credentials {
        Credentials::Any => Ok(()),
        Credentials::BoundToPod => broken(
            Rule::PodToken,
            "the request must be made with a token that is bound to a pod, as the kubelet hands \
             them out (--require-pod-bound-token)",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requester(claims: &[(&str, &[&str])]) -> Requester {
        let own = |all: &[&str]| all.iter().map(|&one| one.to_owned()).collect();
        Requester {
            extra: claims
                .iter()
                .map(|(name, values)| ((*name).to_owned(), own(values)))
                .collect(),
            ..Requester::default()
        }
    }

    fn owner(name: &str, uid: &str) -> Owner {
        Owner {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            name: name.to_owned(),
            uid: uid.to_owned(),
        }
    }

    #[test]
    fn half_of_a_claim_is_none() {
        let cases: [&[(&str, &[&str])]; 6] = [
            &[(POD_NAME, &["api-7"])],
            &[(POD_UID, &["u"])],
            &[(POD_NAME, &["api-7"]), (POD_UID, &[])],
            &[(POD_NAME, &["api-7"]), (POD_UID, &[""])],
            &[(POD_NAME, &["api-7", "api-8"]), (POD_UID, &["u"])],
            &[(POD_NAME, &[]), (POD_UID, &[])],
        ];
        for claims in cases {
            for credentials in [Credentials::Any, Credentials::BoundToPod] {
                let verdict = check(&requester(claims), &[owner("api-7", "u")], credentials);
                assert!(verdict.is_err(), "{claims:?}, {credentials:?}");
            }
        }
    }
}
