//! Attributes and extensions that do not belong.

use svid_core::der::{self, tlv};
use svid_core::policy::Rule;

use super::URI;
use crate::case::Cases;
use crate::craft::{attribute, eku, extension, extension_request, general_name, san, utf8};

impl Cases<'_> {
    pub(super) fn attributes(&mut self) {
        let world = self.world;
        let another = world.here("spiffe://cluster.local/x");
        let request = || extension_request(&[world.right_san()]);
        let other = || extension_request(&[san(true, &[general_name(URI, another.as_bytes())])]);
        let rule = Rule::Attributes;
        for (what, kind) in [
            ("challenge password", "1.2.840.113549.1.9.7"),
            ("unstructured name", "1.2.840.113549.1.9.2"),
            ("Microsoft's extension request", "1.3.6.1.4.1.311.2.1.14"),
            ("unknown", "1.2.3.4"),
        ] {
            let stranger = || attribute(kind, &[utf8("x")]);
            let der = world.craft().attributes(vec![request(), stranger()]).der();
            self.csr(format!("attribute after ours: {what}"), rule, &der);
            let der = world.craft().attributes(vec![stranger(), request()]).der();
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
            let der = world.craft().attributes(attributes).der();
            self.csr(format!("two extension requests, {what}"), rule, &der);
        }
        let list = |extensions: &[Vec<u8>]| tlv(der::SEQUENCE, &extensions.concat());
        let hidden = list(&[san(true, &[general_name(URI, another.as_bytes())])]);
        let both = attribute(
            "1.2.840.113549.1.9.14",
            &[list(&[world.right_san()]), hidden],
        );
        let der = world.craft().attributes(vec![both]).der();
        self.csr(
            "extension request with a second value",
            Rule::Canonical,
            &der,
        );
    }

    pub(super) fn extensions(&mut self) {
        let world = self.world;
        for (what, stranger) in [
            ("a second subjectAltName", world.right_san()),
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
                "keyUsage without a value",
                extension("2.5.29.15", true, &[]),
            ),
            (
                "keyUsage with bytes after it",
                extension("2.5.29.15", true, &[0x03, 0x02, 0x05, 0xa0, 0x00]),
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
            (
                "nonRepudiation beside ours",
                extension("2.5.29.15", true, &[0x03, 0x02, 0x05, 0xe0]),
            ),
            (
                "keyUsage with trailing zero bits",
                extension("2.5.29.15", true, &[0x03, 0x02, 0, 0xa0]),
            ),
            (
                "keyUsage in two bytes",
                extension("2.5.29.15", true, &[0x03, 0x03, 7, 0xa0, 0x80]),
            ),
            (
                "keyEncipherment only",
                extension("2.5.29.15", true, &[0x03, 0x02, 0x05, 0x20]),
            ),
            (
                "client only",
                extension("2.5.29.37", false, &eku(&["1.3.6.1.5.5.7.3.2"])),
            ),
            ("no purpose", extension("2.5.29.37", false, &eku(&[]))),
            (
                "purpose twice",
                extension("2.5.29.37", false, &eku(&[SERVER, CLIENT, SERVER])),
            ),
            (
                "one purpose twice",
                extension("2.5.29.37", false, &eku(&[SERVER, SERVER])),
            ),
            (
                "OCSP signing beside ours",
                extension(
                    "2.5.29.37",
                    false,
                    &eku(&[SERVER, CLIENT, "1.3.6.1.5.5.7.3.9"]),
                ),
            ),
            (
                "any purpose beside ours",
                extension("2.5.29.37", true, &eku(&[SERVER, CLIENT, "2.5.29.37.0"])),
            ),
            (
                "authority of length zero",
                extension("2.5.29.19", true, &[0x30, 6, 1, 1, 0xff, 2, 1, 0]),
            ),
            (
                "policy constraints",
                extension("2.5.29.36", true, &[0x30, 0x00]),
            ),
            (
                "policy mappings",
                extension("2.5.29.33", true, &[0x30, 0x00]),
            ),
            (
                "CRL distribution points",
                extension("2.5.29.31", false, &[0x30, 0x00]),
            ),
            (
                "authority's key identifier",
                extension("2.5.29.35", false, &[0x30, 0x00]),
            ),
            (
                "authority information",
                extension("1.3.6.1.5.5.7.1.1", false, &[0x30, 0x00]),
            ),
            (
                "proxy certificate",
                extension("1.3.6.1.5.5.7.1.14", true, &[0x30, 0x00]),
            ),
            (
                "Netscape's type",
                extension("2.16.840.1.113730.1.1", false, &[3, 2, 2, 4]),
            ),
            (
                "Microsoft's template",
                extension("1.3.6.1.4.1.311.20.2", false, &[0x1e, 2, 0, 0x41]),
            ),
            (
                "private key usage period",
                extension("2.5.29.16", false, &[0x30, 0x00]),
            ),
            (
                "CT poison",
                extension("1.3.6.1.4.1.11129.2.4.3", true, &[0x05, 0x00]),
            ),
        ] {
            for (order, extensions) in [
                ("after", [world.right_san(), stranger.clone()]),
                ("before", [stranger.clone(), world.right_san()]),
            ] {
                let der = world.craft().extensions(&extensions).der();
                self.csr(
                    format!("extension {order} ours: {what}"),
                    Rule::Extensions,
                    &der,
                );
            }
        }
        let purposes = || extension("2.5.29.37", false, &eku(&[SERVER, CLIENT]));
        let basic = || extension("2.5.29.19", true, &[0x30, 0x00]);
        for (what, twice) in [("extKeyUsage", purposes()), ("basicConstraints", basic())] {
            let extensions = [world.right_san(), twice.clone(), twice];
            let der = world.craft().extensions(&extensions).der();
            self.csr(format!("extension: {what} twice"), Rule::Extensions, &der);
        }
        let usage = || extension("2.5.29.15", true, &[0x03, 0x02, 0x05, 0xa0]);
        let der = world
            .craft()
            .extensions(&[usage(), world.right_san(), usage()])
            .der();
        self.csr("extension: keyUsage twice", Rule::Extensions, &der);
    }
}

const SERVER: &str = "1.3.6.1.5.5.7.3.1";
const CLIENT: &str = "1.3.6.1.5.5.7.3.2";
