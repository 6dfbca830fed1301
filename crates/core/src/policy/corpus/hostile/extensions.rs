//! Attributes and extensions that do not belong.

use super::super::{Craft, attribute, eku, extension, extension_request, general_name, san, utf8};
use super::{Cases, URI};
use crate::policy::decision::Rule;
use crate::policy::der::{self, tlv};

impl Cases {
    pub(super) fn attributes(&mut self) {
        let request = || extension_request(&[Craft::right_san()]);
        let other =
            || extension_request(&[san(true, &[general_name(URI, b"spiffe://cluster.local/x")])]);
        let rule = Rule::Attributes;
        for (what, kind) in [
            ("challenge password", "1.2.840.113549.1.9.7"),
            ("unstructured name", "1.2.840.113549.1.9.2"),
            ("Microsoft's extension request", "1.3.6.1.4.1.311.2.1.14"),
            ("unknown", "1.2.3.4"),
        ] {
            let stranger = || attribute(kind, &[utf8("x")]);
            let der = Craft::new().attributes(vec![request(), stranger()]).der();
            self.csr(format!("attribute after ours: {what}"), rule, &der);
            let der = Craft::new().attributes(vec![stranger(), request()]).der();
            self.csr(format!("attribute before ours: {what}"), rule, &der);
        }
        for (what, attributes) in [
            ("both right", vec![request(), request()]),
            ("right one first", vec![request(), other()]),
            ("right one last", vec![other(), request()]),
            (
                "an empty one first",
                vec![extension_request(&[]), request()],
            ),
        ] {
            let der = Craft::new().attributes(attributes).der();
            self.csr(format!("two extension requests, {what}"), rule, &der);
        }
        let list = |extensions: &[Vec<u8>]| tlv(der::SEQUENCE, &extensions.concat());
        let hidden = list(&[san(true, &[general_name(URI, b"spiffe://cluster.local/x")])]);
        let both = attribute(
            "1.2.840.113549.1.9.14",
            &[list(&[Craft::right_san()]), hidden],
        );
        let der = Craft::new().attributes(vec![both]).der();
        self.csr(
            "extension request with a second value",
            Rule::Canonical,
            &der,
        );
    }

    pub(super) fn extensions(&mut self) {
        let table = [
            (
                "keyCertSign",
                extension("2.5.29.15", true, &[0x03, 0x02, 0x02, 0xa4]),
            ),
            (
                "digitalSignature only",
                extension("2.5.29.15", true, &[0x03, 0x02, 0x07, 0x80]),
            ),
            (
                "empty keyUsage",
                extension("2.5.29.15", true, &[0x03, 0x01, 0x00]),
            ),
            (
                "any purpose",
                extension("2.5.29.37", false, &eku(&["2.5.29.37.0"])),
            ),
            (
                "server only",
                extension("2.5.29.37", false, &eku(&["1.3.6.1.5.5.7.3.1"])),
            ),
            (
                "code signing",
                extension("2.5.29.37", false, &eku(&["1.3.6.1.5.5.7.3.3"])),
            ),
            (
                "smart card logon beside ours",
                extension(
                    "2.5.29.37",
                    false,
                    &eku(&[
                        "1.3.6.1.5.5.7.3.1",
                        "1.3.6.1.5.5.7.3.2",
                        "1.3.6.1.4.1.311.20.2.2",
                    ]),
                ),
            ),
            (
                "authority",
                extension("2.5.29.19", true, &[0x30, 0x03, 0x01, 0x01, 0xff]),
            ),
            (
                "cA false written out",
                extension("2.5.29.19", true, &[0x30, 0x03, 0x01, 0x01, 0]),
            ),
            (
                "path length",
                extension("2.5.29.19", true, &[0x30, 0x03, 0x02, 0x01, 0]),
            ),
            (
                "name constraints",
                extension("2.5.29.30", true, &[0x30, 0x00]),
            ),
            ("policies", extension("2.5.29.32", false, &[0x30, 0x00])),
            (
                "issuerAltName",
                extension("2.5.29.18", false, &der::one_uri(b"spiffe://x/y")),
            ),
            (
                "subject directory",
                extension("2.5.29.9", false, &[0x30, 0x00]),
            ),
            (
                "key identifier",
                extension("2.5.29.14", false, &[0x04, 0x01, 0x00]),
            ),
            (
                "must-staple",
                extension("1.3.6.1.5.5.7.1.24", false, &[0x30, 3, 2, 1, 5]),
            ),
            (
                "delegated credentials",
                extension("1.3.6.1.4.1.44363.44", false, &[0x05, 0x00]),
            ),
            ("unknown", extension("1.2.3.4", false, &[0x05, 0x00])),
            (
                "unknown critical",
                extension("1.2.3.4", true, &[0x05, 0x00]),
            ),
        ];
        for (what, stranger) in table {
            let der = Craft::new()
                .extensions(&[Craft::right_san(), stranger])
                .der();
            self.csr(format!("extension: {what}"), Rule::Extensions, &der);
        }
        let usage = || extension("2.5.29.15", true, &[0x03, 0x02, 0x05, 0xa0]);
        let der = Craft::new()
            .extensions(&[usage(), Craft::right_san(), usage()])
            .der();
        self.csr("extension: keyUsage twice", Rule::Extensions, &der);
    }
}
