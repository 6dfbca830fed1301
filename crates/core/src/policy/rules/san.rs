//! There is exactly one name, and it is a URI.
//!
//! Stops: a second identity beside the right one: a DNS name that a web server would believe, an
//! otherName that Active Directory logs on with, a second SPIFFE ID that a careless reader takes.
//! Allowed: one subjectAltName extension with one uniformResourceIdentifier, critical or not.
//! Refused: none, two, one of another kind, two extensions, an empty one.
//! Source: X509-SVID section 2 (exactly one URI) and RFC 5280 4.2.1.6. The mission is stricter
//! than X509-SVID, which allows names of other kinds.

use super::{Rule, Verdict, broken};
use crate::policy::csr::{AlternativeName, Csr, NameKind};

/// Looks at number and kind; what the name says is the business of the identity rule.
pub(in crate::policy) fn check(csr: &Csr<'_>) -> Verdict {
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
            "the CSR's subjectAltName extension must hold one URI; it is empty",
        ),
        [_, ..] => {
            let strangers = names.iter().find(|name| name.kind != NameKind::Uri);
            let stranger = strangers.map_or("second URI", |name| name.kind.noun());
            broken(
                Rule::SubjectAlternativeName,
                format!(
                    "the CSR must hold one URI and no other name, not {} names; remove the {stranger}",
                    names.len()
                ),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::corpus::{Craft, RIGHT_ID, extension, general_name, san};

    const URI: u8 = 0x86;

    #[test]
    fn allows_exactly_one_uri() {
        let uri = || general_name(URI, RIGHT_ID.as_bytes());
        let table = [
            ("one", vec![san(false, &[uri()])], true),
            ("one, critical", vec![san(true, &[uri()])], true),
            (
                "whatever it says",
                vec![san(true, &[general_name(URI, b"x")])],
                true,
            ),
            ("no extension", vec![], false),
            ("no name", vec![san(true, &[])], false),
            ("two", vec![san(true, &[uri(), uri()])], false),
            (
                "two extensions",
                vec![san(true, &[uri()]), san(true, &[uri()])],
                false,
            ),
            (
                "email",
                vec![san(true, &[general_name(0x81, b"a@b")])],
                false,
            ),
            ("DNS", vec![san(true, &[general_name(0x82, b"b")])], false),
            (
                "IP",
                vec![san(true, &[general_name(0x87, &[127, 0, 0, 1])])],
                false,
            ),
            (
                "registered ID",
                vec![san(true, &[general_name(0x88, &[0x2a, 3])])],
                false,
            ),
            (
                "URI and email",
                vec![san(true, &[uri(), general_name(0x81, b"a@b")])],
                false,
            ),
            (
                "DNS and URI",
                vec![san(true, &[general_name(0x82, b"b"), uri()])],
                false,
            ),
            (
                "URI and IP",
                vec![san(true, &[uri(), general_name(0x87, &[1; 4])])],
                false,
            ),
            (
                "URI and X.400",
                vec![san(true, &[uri(), general_name(0xa3, &[])])],
                false,
            ),
            (
                "URI and directory name",
                vec![san(true, &[uri(), general_name(0xa4, &[0x30, 0])])],
                false,
            ),
            (
                "URI and EDI party",
                vec![san(true, &[uri(), general_name(0xa5, &[])])],
                false,
            ),
            (
                "URI and unknown",
                vec![san(true, &[uri(), general_name(0x89, b"x")])],
                false,
            ),
            (
                "URI and otherName",
                vec![san(
                    true,
                    &[uri(), general_name(0xa0, &[0x06, 1, 0x2a, 0xa0, 2, 5, 0])],
                )],
                false,
            ),
            (
                "malformed",
                vec![extension("2.5.29.17", true, &[0x30, 0x05, 0x86])],
                false,
            ),
            (
                "not a sequence",
                vec![extension("2.5.29.17", true, &uri())],
                false,
            ),
            (
                "universal tag",
                vec![san(true, &[general_name(0x16, RIGHT_ID.as_bytes())])],
                false,
            ),
        ];
        for (what, extensions, allowed) in table {
            let der = Craft::new().extensions(&extensions).der();
            let verdict = check(&Csr::parse(&der).unwrap());
            assert_eq!(verdict.is_ok(), allowed, "{what}: {verdict:?}");
        }
    }
}
