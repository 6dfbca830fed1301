//! Subjects.

use svid_core::policy::Rule;
use svid_corpus::craft::{Craft, name, rdn};

use crate::allows;

#[test]
fn allows_an_empty_sequence_only() {
    let table = [
        ("empty", name(&[]), true),
        ("common name", name(&[rdn(&[("2.5.4.3", "admin")])]), false),
        ("empty common name", name(&[rdn(&[("2.5.4.3", "")])]), false),
        (
            "organisation",
            name(&[rdn(&[("2.5.4.10", "system:masters")])]),
            false,
        ),
        (
            "organisational unit",
            name(&[rdn(&[("2.5.4.11", "ops")])]),
            false,
        ),
        ("country", name(&[rdn(&[("2.5.4.6", "NL")])]), false),
        ("serial number", name(&[rdn(&[("2.5.4.5", "1")])]), false),
        (
            "email",
            name(&[rdn(&[("1.2.840.113549.1.9.1", "a@b")])]),
            false,
        ),
        (
            "domain component",
            name(&[rdn(&[("0.9.2342.19200300.100.1.25", "b")])]),
            false,
        ),
        ("unknown type", name(&[rdn(&[("1.2.3.4", "x")])]), false),
        (
            "multi-valued",
            name(&[rdn(&[("2.5.4.3", "a"), ("2.5.4.10", "b")])]),
            false,
        ),
        (
            "two names",
            name(&[rdn(&[("2.5.4.3", "a")]), rdn(&[("2.5.4.3", "b")])]),
            false,
        ),
    ];
    for (what, subject, allowed) in table {
        let craft = Craft::new().subject(subject);
        assert_eq!(allows(Rule::Subject, &craft), allowed, "{what}");
    }
}
