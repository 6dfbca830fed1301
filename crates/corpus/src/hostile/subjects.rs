//! Subjects that are not empty.

use svid_core::der::{self, tlv};
use svid_core::policy::Rule;

use crate::case::Cases;
use crate::craft::{name, oid, rdn};

impl Cases<'_> {
    pub(super) fn subjects(&mut self) {
        let world = self.world;
        let attributes = [
            ("CN", "2.5.4.3"),
            ("SN", "2.5.4.4"),
            ("serialNumber", "2.5.4.5"),
            ("C", "2.5.4.6"),
            ("L", "2.5.4.7"),
            ("ST", "2.5.4.8"),
            ("street", "2.5.4.9"),
            ("O", "2.5.4.10"),
            ("OU", "2.5.4.11"),
            ("title", "2.5.4.12"),
            ("name", "2.5.4.41"),
            ("unique identifier", "2.5.4.45"),
            ("UID", "0.9.2342.19200300.100.1.1"),
            ("DC", "0.9.2342.19200300.100.1.25"),
            ("email", "1.2.840.113549.1.9.1"),
            ("unknown type", "1.2.3.4"),
        ];
        for (what, kind) in attributes {
            let der = world
                .craft()
                .subject(name(&[rdn(&[(kind, "system:masters")])]))
                .der();
            self.csr(format!("subject: {what}"), Rule::Subject, &der);
        }
        let table = [
            ("empty value", name(&[rdn(&[("2.5.4.3", "")])])),
            (
                "multi-valued",
                name(&[rdn(&[("2.5.4.3", "a"), ("2.5.4.10", "b")])]),
            ),
            (
                "two RDNs",
                name(&[rdn(&[("2.5.4.3", "a")]), rdn(&[("2.5.4.10", "b")])]),
            ),
            (
                "SPIFFE ID as CN",
                name(&[rdn(&[("2.5.4.3", &world.identity())])]),
            ),
            (
                "terminal escapes",
                name(&[rdn(&[("2.5.4.3", "\u{1b}[2J\r\n")])]),
            ),
        ];
        for (what, subject) in table {
            let der = world.craft().subject(subject).der();
            self.csr(format!("subject: {what}"), Rule::Subject, &der);
        }
        let typed = |tag: u8, text: &[u8]| {
            let value = der::sequence(&[&oid("2.5.4.3"), &tlv(tag, text)]);
            tlv(der::SEQUENCE, &tlv(der::SET, &value))
        };
        for (what, subject) in [
            ("PrintableString", typed(0x13, b"admin")),
            ("IA5String", typed(0x16, b"admin")),
            ("BMPString", typed(0x1e, b"\0a\0d")),
            ("T61String", typed(0x14, b"admin")),
            ("UTF8String that is none", typed(0x0c, &[0xff, 0xfe])),
            ("number as value", typed(0x02, &[1])),
            ("NUL in the value", typed(0x0c, b"admin\0x")),
            ("4 KiB", typed(0x0c, &[b'x'; 4096])),
            ("hundred RDNs", name(&vec![rdn(&[("2.5.4.10", "o")]); 100])),
        ] {
            let der = world.craft().subject(subject).der();
            self.csr(format!("subject: {what}"), Rule::Subject, &der);
        }
        // An RDN without any attribute is not an RDN for some parsers, so either rule may object.
        let der = world.craft().subject(name(&[rdn(&[])])).der();
        self.csr("subject: empty RDN", Rule::Subject, &der);
    }
}
