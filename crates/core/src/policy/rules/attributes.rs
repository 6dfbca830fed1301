//! Nothing but one extension request is attached.
//!
//! Stops: names and extensions hidden in a second extension request or in an attribute that one
//! reader knows and another does not, and passwords that would be stored in the cluster.
//! Allowed: one extensionRequest attribute with one value.
//! Refused: two of them, one with two values, challengePassword, Microsoft's own extension
//! request, any other.
//! Source: RFC 2986 section 4.1; RFC 2985 5.4.2 (extensionRequest is single-valued).

use super::{Rule, Verdict, broken};
use crate::policy::csr::{Csr, EXTENSION_REQUEST};
use crate::policy::quote::quote;

/// Counts the attributes and looks at their types.
///
/// That the one attribute has one value is left to the last rule, which writes it so.
pub(in crate::policy) fn check(csr: &Csr<'_>) -> Verdict {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::corpus::{Craft, attribute, extension_request, utf8};

    #[test]
    fn allows_one_extension_request_only() {
        let san = || Craft::right_san();
        let request = || extension_request(&[san()]);
        let table = [
            ("one", vec![request()], true),
            ("none, which another rule refuses", vec![], true),
            ("two", vec![request(), request()], false),
            (
                "challenge password",
                vec![
                    request(),
                    attribute("1.2.840.113549.1.9.7", &[utf8("secret")]),
                ],
                false,
            ),
            (
                "Microsoft extension request",
                vec![request(), attribute("1.3.6.1.4.1.311.2.1.14", &[utf8("x")])],
                false,
            ),
            (
                "unstructured name",
                vec![attribute("1.2.840.113549.1.9.2", &[utf8("x")])],
                false,
            ),
        ];
        for (what, attributes, allowed) in table {
            let der = Craft::new().attributes(attributes).der();
            let csr = Csr::parse(&der).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(check(&csr).is_ok(), allowed, "{what}");
        }
    }
}
