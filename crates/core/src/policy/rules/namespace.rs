//! The request is in its service account's own namespace.
//!
//! Stops: a service account with permissions in another namespace that has that namespace's issuer
//! sign (a namespaced `Issuer` may have the same name everywhere), or that leaves the result where
//! others can read it. Allowed: `system:serviceaccount:payments:api` in `payments`. Refused: the
//! same in `default`. Source: the driver creates each request beside its pod; issuer references
//! without a namespace are resolved in the request's.

use super::{Rule, RuleResult, broken};
use crate::identity::ServiceAccount;
use crate::text::quote;

/// Compares the object's namespace with the requester's.
pub(in crate::policy) fn check(namespace: &str, requester: &ServiceAccount) -> RuleResult {
    if namespace == requester.namespace() {
        return Ok(());
    }
    let (found, wanted) = (quote(namespace), quote(requester.namespace()));
    broken(
        Rule::Namespace,
        format!("the request is in namespace {found} but must be in the requester's, {wanted}"),
    )
}
