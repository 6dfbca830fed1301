//! Only known extensions are requested, and they agree with the rest of the request.
//!
//! Stops: extensions that issuers copy unseen. cert-manager copies name constraints and unknown
//! extended key usages from the signing request; others copy everything. Also duplicates: one
//! parser uses the first, another the last. Allowed: subjectAltName; keyUsage with digitalSignature
//! and keyEncipherment; extKeyUsage with serverAuth and clientAuth in either order;
//! basicConstraints without CA. Each critical or not. Refused: keyCertSign, `any` usage, `CA:TRUE`,
//! a path length, name constraints, policies, any unknown extension, critical or not, and any
//! extension twice. Source: RFC 5280 4.2 and 4.2.1.3, .9, .12; X509-SVID 4; cert-manager
//! `pkg/util/pki/certificatetemplate.go`.

use x509_parser::asn1_rs::Oid;
use x509_parser::extensions::X509Extension;
use x509_parser::oid_registry::{
    OID_X509_EXT_BASIC_CONSTRAINTS, OID_X509_EXT_EXTENDED_KEY_USAGE, OID_X509_EXT_KEY_USAGE,
};

use super::{Rule, RuleResult, broken};
use crate::policy::csr::{Csr, SUBJECT_ALTERNATIVE_NAME};
use crate::text::quote;

/// Compares the values byte for byte with the few that are allowed, so nothing depends on how a
/// parser reads them.
pub(in crate::policy) fn check(csr: &Csr<'_>) -> RuleResult {
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
