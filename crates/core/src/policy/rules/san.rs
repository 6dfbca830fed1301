//! There is exactly one name, and it is a URI.
//!
//! Stops: a second identity beside the valid one: a DNS name that a web client would trust, an
//! otherName that Active Directory accepts as a logon, a second SPIFFE ID that a careless parser
//! uses. Allowed: one subjectAltName extension with one uniformResourceIdentifier, critical or not.
//! Refused: none, two, one of another kind, two extensions, an empty one. Source: X509-SVID section
//! 2 (exactly one URI) and RFC 5280 4.2.1.6. This is stricter than X509-SVID, which allows names of
//! other kinds.

use super::{Rule, RuleResult, broken};
use crate::policy::csr::{AlternativeName, Csr, NameKind};

/// Looks at number and kind; what the name says is the business of the identity rule.
pub(in crate::policy) fn check(csr: &Csr<'_>) -> RuleResult {
    let mut extensions = csr.alternative_names();
    let Some(only) = extensions.next() else {
        return broken(
            Rule::SubjectAlternativeName,
            "the CSR must request a subjectAltName extension with one URI, the SPIFFE ID",
        );
    };
    if extensions.next().is_some() {
        return broken(
            Rule::SubjectAlternativeName,
            "the CSR must request one subjectAltName extension, not several",
        );
    }
    let Some(names) = only.names else {
        return broken(
            Rule::SubjectAlternativeName,
            "the CSR's subjectAltName extension is malformed",
        );
    };
    match names.as_slice() {
        [
            AlternativeName {
                kind: NameKind::Uri,
                ..
            },
        ] => Ok(()),
        [other] => broken(
            Rule::SubjectAlternativeName,
            format!(
                "the CSR's only name must be a URI, not a {}",
                other.kind.noun()
            ),
        ),
        [] => broken(
            Rule::SubjectAlternativeName,
            "the CSR's subjectAltName extension must contain one URI; it is empty",
        ),
        [_, ..] => {
            let strangers = names.iter().find(|name| name.kind != NameKind::Uri);
            let stranger = strangers.map_or("second URI", |name| name.kind.noun());
            broken(
                Rule::SubjectAlternativeName,
                format!(
                    "the CSR must contain one URI and no other name, not {} names; remove the \
                     {stranger}",
                    names.len()
                ),
            )
        }
    }
}
