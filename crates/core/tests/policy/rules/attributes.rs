//! Attributes other than one extension request.

use svid_core::policy::Rule;
use svid_corpus::craft::{Craft, attribute, extension_request, utf8};

use crate::allows;

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
        let craft = Craft::new().attributes(attributes);
        assert_eq!(allows(Rule::Attributes, &craft), allowed, "{what}");
    }
}
