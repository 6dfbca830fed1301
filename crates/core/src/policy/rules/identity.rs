//! The name is the requester's SPIFFE ID.
//!
//! Stops: what an approver exists to stop: a workload that requests the identity of another.
//! Allowed: `spiffe://cluster.local/ns/payments/sa/api`, asked for by service account `api` in
//! `payments`. Refused: any other text, even if some parser would consider it equal: another letter
//! case, a trailing slash, `%61` for `a`, a dot segment, a port, a query, a NUL at the end. Source:
//! SPIFFE-ID 2 (never normalise); the path's form is the Go driver's, `/ns/NAMESPACE/sa/NAME`.

use super::{Rule, RuleResult, broken};
use crate::identity::{ServiceAccount, SpiffeId, TrustDomain};
use crate::policy::csr::Csr;
use crate::policy::decision::Violation;
use crate::text::quote;

/// In pod-token mode. Builds nothing from the request: the expected text comes from the requester
/// alone, and the raw bytes of the name must equal it.
pub(in crate::policy) fn check(csr: &Csr<'_>, expected: &SpiffeId) -> RuleResult {
    match csr.one_uri() {
        Some(uri) if uri == expected.as_str().as_bytes() => Ok(()),
        Some(uri) => {
            let (uri, expected) = (quote(uri), quote(expected.as_str()));
            broken(
                Rule::Identity,
                format!("the CSR's URI name {uri} must be the requester's SPIFFE ID {expected}"),
            )
        }
        None => {
            let expected = quote(expected.as_str());
            broken(
                Rule::Identity,
                format!("the CSR's only name must be the requester's SPIFFE ID {expected}"),
            )
        }
    }
}

/// In node-attested mode the requester does not say whose identity is requested. What is known
/// before the Pod is read is that the name is one that a pod of this namespace may have: it is
/// returned, built again, and is to be compared with the Pod's (`rules/pod/identity`).
pub(in crate::policy) fn claimed(
    csr: &Csr<'_>,
    trust_domain: &TrustDomain,
    namespace: &str,
) -> Result<SpiffeId, Violation> {
    let uri = csr.one_uri();
    let account = uri
        .and_then(|uri| std::str::from_utf8(uri).ok())
        .and_then(|uri| uri.rsplit_once('/'))
        .and_then(|(_, name)| ServiceAccount::new(namespace, name).ok());
    let id = account.map(|account| SpiffeId::for_service_account(trust_domain, &account));
    match id {
        Some(id) if uri == Some(id.as_str().as_bytes()) => Ok(id),
        Some(_) | None => {
            let expected = format!("spiffe://{trust_domain}/ns/{namespace}/sa/SERVICE-ACCOUNT");
            let (uri, expected) = (quote(uri.unwrap_or_default()), quote(expected));
            broken(
                Rule::Identity,
                format!(
                    "the CSR's URI name {uri} must be a SPIFFE ID of this namespace, {expected}"
                ),
            )
        }
    }
}
