//! The requested extensions are known ones that say what the rest of the request says.
//!
//! Stops: extensions that issuers copy unseen. cert-manager copies name constraints and unknown
//! extended key usages from the signing request; others copy everything. Also a duplicate, of
//! which one reader takes the first and another the last.
//! Allowed: subjectAltName; keyUsage with digitalSignature and keyEncipherment; extKeyUsage with
//! serverAuth and clientAuth in either order; basicConstraints without CA. Each critical or not.
//! Refused: keyCertSign, `any` usage, `CA:TRUE`, a path length, name constraints, policies, any
//! unknown extension, critical or not, and any extension twice.
//! Source: RFC 5280 4.2 and 4.2.1.3, .9, .12; X509-SVID 4; cert-manager
//! `pkg/util/pki/certificatetemplate.go`.

use x509_parser::asn1_rs::Oid;
use x509_parser::extensions::X509Extension;
use x509_parser::oid_registry::{
    OID_X509_EXT_BASIC_CONSTRAINTS, OID_X509_EXT_EXTENDED_KEY_USAGE, OID_X509_EXT_KEY_USAGE,
};

use super::{Rule, Verdict, broken};
use crate::policy::csr::{Csr, SUBJECT_ALTERNATIVE_NAME};
use crate::policy::quote::quote;

/// Compares the values byte for byte with the few that are allowed, so nothing depends on how a
/// parser reads them.
pub(in crate::policy) fn check(csr: &Csr<'_>) -> Verdict {
    let mut seen: Vec<&Oid<'_>> = Vec::new();
    for extension in csr.extensions() {
        let Some(known) = known(extension) else {
            let oid = quote(extension.oid.to_id_string());
            return broken(
                Rule::Extensions,
                format!("the CSR must not request the extension {oid}; remove it"),
            );
        };
        if seen.contains(&&extension.oid) {
            let name = known.name;
            return broken(
                Rule::Extensions,
                format!("the CSR requests {name} more than once"),
            );
        }
        seen.push(&extension.oid);
        if let Content::OneOf(values) = known.content
            && !values.contains(&extension.value)
        {
            let (name, wanted) = (known.name, known.wanted);
            return broken(
                Rule::Extensions,
                format!("the CSR's {name} must be {wanted}, or be left out"),
            );
        }
    }
    Ok(())
}

/// An extension that may be requested.
struct Known {
    name: &'static str,
    wanted: &'static str,
    content: Content,
}

/// What an allowed extension may hold.
enum Content {
    /// Names, which have rules of their own.
    Names,
    /// One of these encodings.
    OneOf(&'static [&'static [u8]]),
}

fn known(extension: &X509Extension<'_>) -> Option<Known> {
    if extension.oid == SUBJECT_ALTERNATIVE_NAME {
        Some(Known {
            name: "subjectAltName",
            wanted: "one URI",
            content: Content::Names,
        })
    } else if extension.oid == OID_X509_EXT_KEY_USAGE {
        Some(Known {
            name: "keyUsage",
            wanted: "digitalSignature and keyEncipherment",
            content: Content::OneOf(&[KEY_USAGE]),
        })
    } else if extension.oid == OID_X509_EXT_EXTENDED_KEY_USAGE {
        Some(Known {
            name: "extKeyUsage",
            wanted: "serverAuth and clientAuth",
            content: Content::OneOf(&[SERVER_CLIENT, CLIENT_SERVER]),
        })
    } else if extension.oid == OID_X509_EXT_BASIC_CONSTRAINTS {
        Some(Known {
            name: "basicConstraints",
            wanted: "CA:FALSE",
            content: Content::OneOf(&[NO_AUTHORITY]),
        })
    } else {
        None
    }
}

/// `BIT STRING` with bits 0 (digitalSignature) and 2 (keyEncipherment), no trailing zero bits.
const KEY_USAGE: &[u8] = &[0x03, 0x02, 0x05, 0xa0];
/// `SEQUENCE { id-kp-serverAuth, id-kp-clientAuth }`.
const SERVER_CLIENT: &[u8] = &[
    0x30, 0x14, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01, 0x06, 0x08, 0x2b, 0x06,
    0x01, 0x05, 0x05, 0x07, 0x03, 0x02,
];
/// The same two the other way round, as the order of `spec.usages` may have it.
const CLIENT_SERVER: &[u8] = &[
    0x30, 0x14, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02, 0x06, 0x08, 0x2b, 0x06,
    0x01, 0x05, 0x05, 0x07, 0x03, 0x01,
];
/// `SEQUENCE {}`: cA is false by default, and a default is never written (X.690, 11.5).
const NO_AUTHORITY: &[u8] = &[0x30, 0x00];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::corpus::{Craft, eku, extension};
    use crate::policy::der;

    const KU: &str = "2.5.29.15";
    const EKU: &str = "2.5.29.37";
    const BC: &str = "2.5.29.19";

    fn verdict(extensions: &[Vec<u8>]) -> Verdict {
        let der = Craft::new().extensions(extensions).der();
        check(&Csr::parse(&der).unwrap())
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
                assert_eq!(verdict(&extensions), Ok(()));
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
            assert!(verdict(&[san(), hostile.clone()]).is_err(), "{what}");
            assert!(verdict(&[hostile, san()]).is_err(), "{what}, first");
        }
        let usage = || extension(KU, true, KEY_USAGE);
        assert!(
            verdict(&[usage(), usage()]).is_err(),
            "an allowed one twice"
        );
    }
}
