//! The only attribute is one extension request.
//!
//! Stops: names and extensions hidden in a second extension request or in an attribute that one
//! reader knows and another does not, and passwords that would be stored in the cluster.
//! Allowed: one extensionRequest attribute with one value.
//! Refused: two of them, one with two values, challengePassword, Microsoft's own extension
//! request, any other.
//! Source: RFC 2986 section 4.1; RFC 2985 5.4.2 (extensionRequest is single-valued).

use super::{Rule, RuleResult, broken};
use crate::policy::csr::{Csr, EXTENSION_REQUEST};
use crate::text::quote;

/// Counts the attributes and looks at their types.
///
/// That the one attribute has one value is left to the last rule, which writes it so.
pub(in crate::policy) fn check(csr: &Csr<'_>) -> RuleResult {
    let attributes = csr.attributes();
    let unknown = attributes
        .iter()
        .find(|attribute| attribute.oid != EXTENSION_REQUEST);
    if let Some(unknown) = unknown {
        let oid = quote(unknown.oid.to_id_string());
        return broken(
            Rule::Attributes,
            format!("the CSR must have no attribute but one extensionRequest; remove {oid}"),
        );
    }
    if attributes.len() > 1 {
        return broken(
            Rule::Attributes,
            "the CSR must have one extensionRequest, not several",
        );
    }
    Ok(())
}
