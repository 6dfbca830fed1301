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
        let usage = |value: &[u8]| extension("2.5.29.15", true, value);
        let purposes = |all: &[&str]| extension("2.5.29.37", false, &eku(all));
        let basic = |value: &[u8]| extension("2.5.29.19", true, value);
        let empty = |kind, critical| extension(kind, critical, &[0x30, 0x00]);
        let null = |kind, critical| extension(kind, critical, &[0x05, 0x00]);
        for (what, stranger) in [
            ("a second subjectAltName", world.right_san()),
            ("keyCertSign", usage(&[0x03, 0x02, 0x02, 0xa4])),
            ("digitalSignature only", usage(&[0x03, 0x02, 0x07, 0x80])),
            ("empty keyUsage", usage(&[0x03, 0x01, 0x00])),
            ("keyUsage without a value", usage(&[])),
            (
                "keyUsage with bytes after it",
                usage(&[0x03, 0x02, 0x05, 0xa0, 0x00]),
            ),
            ("any purpose", purposes(&["2.5.29.37.0"])),
            ("server only", purposes(&[SERVER])),
            ("code signing", purposes(&["1.3.6.1.5.5.7.3.3"])),
            (
                "smart card logon beside ours",
                purposes(&[SERVER, CLIENT, "1.3.6.1.4.1.311.20.2.2"]),
            ),
            ("authority", basic(&[0x30, 0x03, 0x01, 0x01, 0xff])),
            ("cA false written out", basic(&[0x30, 0x03, 0x01, 0x01, 0])),
            ("path length", basic(&[0x30, 0x03, 0x02, 0x01, 0])),
            ("name constraints", empty("2.5.29.30", true)),
            ("policies", empty("2.5.29.32", false)),
            (
                "issuerAltName",
                extension("2.5.29.18", false, &der::one_uri(b"spiffe://x/y")),
            ),
            ("subject directory", empty("2.5.29.9", false)),
            (
                "key identifier",
                extension("2.5.29.14", false, &[0x04, 0x01, 0x00]),
            ),
            (
                "must-staple",
                extension("1.3.6.1.5.5.7.1.24", false, &[0x30, 3, 2, 1, 5]),
            ),
            ("delegated credentials", null("1.3.6.1.4.1.44363.44", false)),
            ("unknown", null("1.2.3.4", false)),
            ("unknown critical", null("1.2.3.4", true)),
            (
                "nonRepudiation beside ours",
                usage(&[0x03, 0x02, 0x05, 0xe0]),
            ),
            (
                "keyUsage with trailing zero bits",
                usage(&[0x03, 0x02, 0, 0xa0]),
            ),
            ("keyUsage in two bytes", usage(&[0x03, 0x03, 7, 0xa0, 0x80])),
            ("keyEncipherment only", usage(&[0x03, 0x02, 0x05, 0x20])),
            ("client only", purposes(&[CLIENT])),
            ("no purpose", purposes(&[])),
            ("purpose twice", purposes(&[SERVER, CLIENT, SERVER])),
            ("one purpose twice", purposes(&[SERVER, SERVER])),
            (
                "OCSP signing beside ours",
                purposes(&[SERVER, CLIENT, "1.3.6.1.5.5.7.3.9"]),
            ),
            (
                "any purpose beside ours",
                extension("2.5.29.37", true, &eku(&[SERVER, CLIENT, "2.5.29.37.0"])),
            ),
            (
                "authority of length zero",
                basic(&[0x30, 6, 1, 1, 0xff, 2, 1, 0]),
            ),
            ("policy constraints", empty("2.5.29.36", true)),
            ("policy mappings", empty("2.5.29.33", true)),
            ("CRL distribution points", empty("2.5.29.31", false)),
            ("authority's key identifier", empty("2.5.29.35", false)),
            ("authority information", empty("1.3.6.1.5.5.7.1.1", false)),
            ("proxy certificate", empty("1.3.6.1.5.5.7.1.14", true)),
            (
                "Netscape's type",
                extension("2.16.840.1.113730.1.1", false, &[3, 2, 2, 4]),
            ),
            (
                "Microsoft's template",
                extension("1.3.6.1.4.1.311.20.2", false, &[0x1e, 2, 0, 0x41]),
            ),
            ("private key usage period", empty("2.5.29.16", false)),
            ("CT poison", null("1.3.6.1.4.1.11129.2.4.3", true)),
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
        for (what, twice) in [
            ("extKeyUsage", purposes(&[SERVER, CLIENT])),
            ("basicConstraints", basic(&[0x30, 0x00])),
            ("keyUsage", usage(&[0x03, 0x02, 0x05, 0xa0])),
        ] {
            let extensions = [twice.clone(), world.right_san(), twice];
            let der = world.craft().extensions(&extensions).der();
            self.csr(format!("extension: {what} twice"), Rule::Extensions, &der);
        }
    }
}

const SERVER: &str = "1.3.6.1.5.5.7.3.1";
const CLIENT: &str = "1.3.6.1.5.5.7.3.2";
