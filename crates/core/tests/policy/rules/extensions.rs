//! Extensions that say something else than the rest of the request.

use svid_core::der;
use svid_core::policy::Rule;
use svid_corpus::craft::{Craft, eku, extension};

use crate::allows;

const KU: &str = "2.5.29.15";
const EKU: &str = "2.5.29.37";
const BC: &str = "2.5.29.19";

/// digitalSignature and keyEncipherment.
const KEY_USAGE: &[u8] = &[0x03, 0x02, 0x05, 0xa0];
/// cA left out.
const NO_AUTHORITY: &[u8] = &[0x30, 0x00];

fn are_allowed(extensions: &[Vec<u8>]) -> bool {
    allows(Rule::Extensions, &Craft::new().extensions(extensions))
}

#[test]
fn allows_what_says_the_same_as_the_usages() {
    let san = Craft::right_san;
    let server_client = eku(&["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
    let client_server = eku(&["1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1"]);
    for critical in [true, false] {
        for extensions in [
            vec![san()],
            vec![san(), extension(KU, critical, KEY_USAGE)],
            vec![extension(EKU, critical, &server_client), san()],
            vec![extension(EKU, critical, &client_server), san()],
            vec![extension(BC, critical, NO_AUTHORITY), san()],
            vec![
                san(),
                extension(BC, critical, NO_AUTHORITY),
                extension(KU, critical, KEY_USAGE),
                extension(EKU, critical, &client_server),
            ],
        ] {
            assert!(are_allowed(&extensions));
        }
    }
}

#[test]
fn refuses_whatever_says_something_else() {
    let san = Craft::right_san;
    let table = [
        ("cert sign", extension(KU, true, &[0x03, 0x02, 0x02, 0xa4])),
        (
            "one usage only",
            extension(KU, true, &[0x03, 0x02, 0x07, 0x80]),
        ),
        (
            "usage with trailing zero bits",
            extension(KU, true, &[0x03, 0x02, 0x00, 0xa0]),
        ),
        (
            "usage with trailing bytes",
            extension(KU, true, &[0x03, 0x02, 0x05, 0xa0, 0x00]),
        ),
        ("empty usage", extension(KU, true, &[])),
        ("any usage", extension(EKU, false, &eku(&["2.5.29.37.0"]))),
        (
            "server only",
            extension(EKU, false, &eku(&["1.3.6.1.5.5.7.3.1"])),
        ),
        (
            "unknown usage beside ours",
            extension(
                EKU,
                false,
                &eku(&["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "1.2.3.4"]),
            ),
        ),
        (
            "usage twice",
            extension(
                EKU,
                false,
                &eku(&["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.1"]),
            ),
        ),
        (
            "authority",
            extension(BC, true, &[0x30, 0x03, 0x01, 0x01, 0xff]),
        ),
        (
            "false written out",
            extension(BC, true, &[0x30, 0x03, 0x01, 0x01, 0x00]),
        ),
        (
            "path length",
            extension(BC, true, &[0x30, 0x03, 0x02, 0x01, 0x00]),
        ),
        (
            "name constraints",
            extension("2.5.29.30", true, &[0x30, 0x00]),
        ),
        (
            "issuer alternative name",
            extension("2.5.29.18", false, &der::one_uri(b"x")),
        ),
        (
            "subject key identifier",
            extension("2.5.29.14", false, &[0x04, 0x01, 0x00]),
        ),
        (
            "certificate policies",
            extension("2.5.29.32", false, &[0x30, 0x00]),
        ),
        ("unknown", extension("1.2.3.4", false, &[0x05, 0x00])),
        (
            "unknown critical",
            extension("1.2.3.4", true, &[0x05, 0x00]),
        ),
        ("second subjectAltName", san()),
    ];
    for (what, hostile) in table {
        assert!(!are_allowed(&[san(), hostile.clone()]), "{what}");
        assert!(!are_allowed(&[hostile, san()]), "{what}, first");
    }
    let usage = || extension(KU, true, KEY_USAGE);
    assert!(!are_allowed(&[usage(), usage()]), "an allowed one twice");
}
