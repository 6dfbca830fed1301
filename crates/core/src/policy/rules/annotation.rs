//! The annotation equals the name.
//!
//! Stops: a request that shows one identity to people and tools, which read the annotation, and
//! asks for another. Allowed: annotation and URI name both
//! `spiffe://cluster.local/ns/payments/sa/api`. Refused: any difference, even in the case of a
//! letter. Source: cert-manager/csi-driver-spiffe, which sets the annotation to the requested ID.

use super::{Rule, RuleResult, broken};
use crate::text::quote;

/// Compares the annotation's bytes with those of the one URI name, or, if the signing request holds
/// no such name, with the identity that it should hold.
pub(in crate::policy) fn check(annotation: &str, name: ComparedName<'_>) -> RuleResult {
    let (found, place) = match name {
        ComparedName::Requested(uri) => (uri, "the CSR's URI name"),
        ComparedName::Expected(uri) => (uri.as_bytes(), "the requester's SPIFFE ID"),
        ComparedName::Unknown => return Ok(()),
    };
    if annotation.as_bytes() == found {
        return Ok(());
    }
    let (annotation, found) = (quote(annotation), quote(found));
    broken(
        Rule::Annotation,
        format!("the identity annotation {annotation} must equal {place} {found}"),
    )
}

/// What the annotation is compared with.
#[derive(Clone, Copy, Debug)]
pub(in crate::policy) enum ComparedName<'a> {
    /// The one URI name of the signing request.
    Requested(&'a [u8]),
    /// There is no such name, but the requester's identity is known.
    Expected(&'a str),
    /// Neither; other rules are broken then.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "spiffe://cluster.local/ns/payments/sa/api";

    #[test]
    fn allows_equal_bytes_only() {
        assert!(check(ID, ComparedName::Requested(ID.as_bytes())).is_ok());
        assert!(check(ID, ComparedName::Expected(ID)).is_ok());
        assert!(
            check("anything", ComparedName::Unknown).is_ok(),
            "then other rules object"
        );
        for other in [
            "",
            "spiffe://cluster.local/ns/payments/sa/API",
            &ID.to_uppercase(),
            "x",
        ] {
            assert!(
                check(other, ComparedName::Requested(ID.as_bytes())).is_err(),
                "{other:?}"
            );
            assert!(
                check(other, ComparedName::Expected(ID)).is_err(),
                "{other:?}"
            );
            assert!(
                check(ID, ComparedName::Requested(other.as_bytes())).is_err(),
                "{other:?}"
            );
        }
        for suffix in ["\0", " ", "\n", "/", "%00", "\u{200b}"] {
            let annotation = format!("{ID}{suffix}");
            assert!(
                check(&annotation, ComparedName::Requested(ID.as_bytes())).is_err(),
                "{suffix:?}"
            );
        }
    }
}
