//! Lists of names.

use svid_core::policy::Rule;
use svid_corpus::RIGHT_ID;
use svid_corpus::craft::{Craft, extension, general_name, san};

use crate::allows;

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
        let craft = Craft::new().extensions(&extensions);
        let rule = Rule::SubjectAlternativeName;
        assert_eq!(allows(rule, &craft), allowed, "{what}");
    }
}
