//! Second names, names of another kind, and invalid names.

use svid_core::der::{self, tlv};
use svid_core::policy::Rule;

use super::URI;
use crate::case::Cases;
use crate::craft::{extension, general_name, name, oid, rdn, san, utf8};

impl Cases<'_> {
    pub(super) fn second_names(&mut self) {
        let world = self.world;
        let uri = || world.right_name();
        let other_name = [
            oid("1.3.6.1.4.1.311.20.2.3"),
            tlv(0xa0, &utf8("admin@corp")),
        ]
        .concat();
        let directory = name(&[rdn(&[("2.5.4.3", "admin")])]);
        let another = world.here("spiffe://cluster.local/ns/a/sa/b");
        let strangers = [
            ("otherName", general_name(0xa0, &other_name)),
            ("email", general_name(0x81, b"a@example.org")),
            ("DNS", general_name(0x82, b"kubernetes.default.svc")),
            ("X.400", general_name(0xa3, &[])),
            ("directory name", general_name(0xa4, &directory)),
            ("EDI party", general_name(0xa5, &[])),
            ("URI of another", general_name(URI, another.as_bytes())),
            ("same URI again", uri()),
            ("web address", general_name(URI, b"https://example.org")),
            ("IPv4", general_name(0x87, &[10, 0, 0, 1])),
            ("IPv6", general_name(0x87, &[0; 16])),
            ("registered ID", general_name(0x88, &[0x2a, 0x03])),
            ("unknown tag", general_name(0x89, b"x")),
            ("empty URI", general_name(URI, b"")),
            ("empty directory name", general_name(0xa4, &name(&[]))),
            ("empty DNS", general_name(0x82, b"")),
            ("wildcard DNS", general_name(0x82, b"*")),
            ("IP of three bytes", general_name(0x87, &[10, 0, 0])),
        ];
        for (what, stranger) in strangers {
            let rule = Rule::SubjectAlternativeName;
            for (order, names) in [
                ("after", vec![uri(), stranger.clone()]),
                ("before", vec![stranger.clone(), uri()]),
            ] {
                let der = world.craft().extensions(&[san(true, &names)]).der();
                self.csr(format!("second name {order} ours: {what}"), rule, &der);
            }
        }
    }

    pub(super) fn other_names(&mut self) {
        let world = self.world;
        for (what, tag) in [
            ("constructed URI", 0xa6),
            ("universal tag", 0x16),
            ("application tag", 0x46),
            ("private tag", 0xc6),
            ("DNS name with our text", 0x82),
            ("email with our text", 0x81),
            ("otherName with our text", 0xa0),
            ("directory name with our text", 0xa4),
            ("registered ID with our text", 0x88),
            ("address with our text", 0x87),
            ("X.400 address with our text", 0xa3),
            ("EDI party with our text", 0xa5),
            ("UTF8String", 0x0c),
        ] {
            let rule = if tag == 0xa6 {
                Rule::Canonical
            } else {
                Rule::SubjectAlternativeName
            };
            let name = general_name(tag, world.identity().as_bytes());
            let der = world.craft().extensions(&[san(true, &[name])]).der();
            self.csr(format!("name: {what}"), rule, &der);
        }
    }

    pub(super) fn lists_of_names(&mut self) {
        let world = self.world;
        let uri = || world.right_name();
        let another = world.here("spiffe://cluster.local/ns/a/sa/b");
        let rule = Rule::SubjectAlternativeName;
        let raw = |value: &[u8]| {
            world
                .craft()
                .extensions(&[extension("2.5.29.17", true, value)])
        };
        self.craft(
            "no names",
            rule,
            &world.craft().extensions(&[san(true, &[])]),
        );
        self.craft("no subjectAltName", rule, &world.craft().extensions(&[]));
        self.craft("no attributes", rule, &world.craft().attributes(vec![]));
        let address = san(true, &[general_name(0x87, &[127, 0, 0, 1])]);
        let der = world.craft().extensions(&[address]).der();
        self.csr("only an address", rule, &der);
        self.craft("name without its list", rule, &raw(&uri()));
        self.craft("names in a set", rule, &raw(&tlv(der::SET, &uri())));
        self.craft("names cut short", rule, &raw(&[0x30, 0x7f, 0x86]));
        let padded = [der::one_uri(world.identity().as_bytes()), vec![0x05, 0x00]].concat();
        self.craft("bytes after the names", rule, &raw(&padded));
        let nested = der::sequence(&[&der::sequence(&[&uri()])]);
        self.craft("names in a list in a list", rule, &raw(&nested));
        self.craft("subjectAltName without a value", rule, &raw(&[]));
        self.craft("NULL in place of names", rule, &raw(&[5, 0]));
        let many = vec![uri(); 100];
        let der = world.craft().extensions(&[san(true, &many)]).der();
        self.csr("a hundred names", rule, &der);
        let old = extension("2.5.29.7", true, &der::one_uri(world.identity().as_bytes()));
        let der = world.craft().extensions(&[old]).der();
        self.csr("names in the extension of 1994", rule, &der);
        let issuer = extension(
            "2.5.29.18",
            true,
            &der::one_uri(world.identity().as_bytes()),
        );
        let der = world.craft().extensions(&[issuer]).der();
        self.csr("names of the issuer only", rule, &der);
        let other = san(true, &[general_name(URI, another.as_bytes())]);
        for (what, extensions) in [
            ("ours first", vec![world.right_san(), other.clone()]),
            ("ours last", vec![other, world.right_san()]),
            ("both ours", vec![world.right_san(), world.right_san()]),
        ] {
            let der = world.craft().extensions(&extensions).der();
            self.csr(format!("two subjectAltNames, {what}"), rule, &der);
        }
    }
}
