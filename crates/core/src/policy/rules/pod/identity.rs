//! The name is the SPIFFE ID of the Pod.
//!
//! Stops: a driver, or a thief of its token, that requests an identity other than that of the pod
//! it names, such as that of another service account on the same node. Allowed:
//! `spiffe://cluster.local/ns/payments/sa/api` for a Pod of `api` in `payments`. Refused: the same
//! for a Pod of `admin` in `payments`; any for a Pod that names no service account. Source:
//! SPIFFE-ID 2 (never normalise); the path's form is the Go driver's, `/ns/NAMESPACE/sa/NAME`.
//! Every Pod but a kubelet's own gets a service account at admission
//! (`k8s.io/kubernetes/plugin/pkg/admission/serviceaccount`), so none is never read as `default`.

use super::{Rule, RuleResult, broken};
use crate::identity::{ServiceAccount, SpiffeId, TrustDomain};
use crate::policy::evidence::PodEvidence;
use crate::text::quote;

/// Builds the Pod's identity from the Pod alone and compares it, byte for byte, with the one that
/// the signing request was found to hold.
pub(in crate::policy) fn check(
    requested: &SpiffeId,
    trust_domain: &TrustDomain,
    pod: &PodEvidence,
) -> RuleResult {
    let expected = ServiceAccount::new(&pod.namespace, &pod.service_account)
        .map(|account| SpiffeId::for_service_account(trust_domain, &account));
    match expected {
        Ok(expected) if expected.as_str() == requested.as_str() => Ok(()),
        Ok(expected) => {
            let (requested, expected) = (quote(requested.as_str()), quote(expected.as_str()));
            broken(
                Rule::Identity,
                format!("the CSR's URI name {requested} must be the pod's SPIFFE ID {expected}"),
            )
        }
        Err(_no_account) => {
            let account = quote(&pod.service_account);
            broken(
                Rule::Identity,
                format!("the pod's service account {account} has no SPIFFE ID"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::rules::pod::right;

    #[test]
    fn allows_the_pods_own_identity_only() {
        let domain = TrustDomain::parse("cluster.local").unwrap();
        for (account, id, allowed) in [
            ("api", "spiffe://cluster.local/ns/payments/sa/api", true),
            ("", "spiffe://cluster.local/ns/payments/sa/default", false),
            ("", "spiffe://cluster.local/ns/payments/sa/api", false),
            (
                "default",
                "spiffe://cluster.local/ns/payments/sa/api",
                false,
            ),
            ("admin", "spiffe://cluster.local/ns/payments/sa/api", false),
            ("api", "spiffe://cluster.local/ns/payments/sa/API", false),
            ("api", "spiffe://cluster.local/ns/payments/sa/api2", false),
            ("api", "spiffe://cluster.local/ns/default/sa/api", false),
            ("api", "spiffe://example.org/ns/payments/sa/api", false),
            ("a/b", "spiffe://cluster.local/ns/payments/sa/a/b", false),
        ] {
            let mut pod = right();
            pod.service_account = account.to_owned();
            let verdict = check(&SpiffeId::parse(id).unwrap(), &domain, &pod);
            assert_eq!(verdict.is_ok(), allowed, "{account:?} {id}");
        }
    }
}
