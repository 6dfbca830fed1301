//! The request was never edited.
//!
//! Stops: in a namespace where cert-manager's validating webhook is switched off, a user who may
//! `update` requests there rewrites `spec.username` (the identity is built from it) or
//! `spec.request` after the object was created.
//! Allowed: generation 1, which the API server gives a new object.
//! Refused: any other, and an absent one.
//! Source: Kubernetes API conventions, `metadata.generation`; cert-manager's mutating webhook
//! stamps the requester on create only.

use super::{Rule, RuleResult, broken};

/// Looks at `metadata.generation`.
pub(in crate::policy) fn check(generation: Option<i64>) -> RuleResult {
    match generation {
        Some(1) => Ok(()),
        Some(_) => broken(
            Rule::Generation,
            "the request was edited after it was created; create a new one instead",
        ),
        None => broken(
            Rule::Generation,
            "the request has no metadata.generation, so nothing shows whether it was edited",
        ),
    }
}
