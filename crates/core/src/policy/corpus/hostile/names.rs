//! Wrong identities, second names and subjects.

use super::super::{Craft, RIGHT_ID, around, extension, general_name, name, oid, rdn, san, utf8};
use super::{Cases, URI};
use crate::policy::decision::Rule;
use crate::policy::der::{self, tlv};

impl Cases {
    pub(super) fn uris(&mut self) {
        for (what, uri) in wrong_uris() {
            let craft = Craft::new().extensions(&[san(true, &[general_name(URI, &uri)])]);
            let mut request = around(craft.pem());
            // The annotation follows, so that it is the identity itself that is refused.
            if let Ok(text) = String::from_utf8(uri) {
                request.identity_annotation = text;
            }
            self.add(format!("URI: {what}"), Rule::Identity, request);
        }
    }

    pub(super) fn names(&mut self) {
        let uri = || general_name(URI, RIGHT_ID.as_bytes());
        let other_name = [
            oid("1.3.6.1.4.1.311.20.2.3"),
            tlv(0xa0, &utf8("admin@corp")),
        ]
        .concat();
        let directory = name(&[rdn(&[("2.5.4.3", "admin")])]);
        let strangers = [
            ("otherName", general_name(0xa0, &other_name)),
            ("email", general_name(0x81, b"a@example.org")),
            ("DNS", general_name(0x82, b"kubernetes.default.svc")),
            ("X.400", general_name(0xa3, &[])),
            ("directory name", general_name(0xa4, &directory)),
            ("EDI party", general_name(0xa5, &[])),
            (
                "URI of another",
                general_name(URI, b"spiffe://cluster.local/ns/a/sa/b"),
            ),
            ("same URI again", uri()),
            ("web address", general_name(URI, b"https://example.org")),
            ("IPv4", general_name(0x87, &[10, 0, 0, 1])),
            ("IPv6", general_name(0x87, &[0; 16])),
            ("registered ID", general_name(0x88, &[0x2a, 0x03])),
            ("unknown tag", general_name(0x89, b"x")),
        ];
        for (what, stranger) in strangers {
            let rule = Rule::SubjectAlternativeName;
            for (order, names) in [
                ("after", vec![uri(), stranger.clone()]),
                ("before", vec![stranger.clone(), uri()]),
            ] {
                let der = Craft::new().extensions(&[san(true, &names)]).der();
                self.csr(format!("second name {order} ours: {what}"), rule, &der);
            }
        }
        for (what, tag) in [
            ("constructed URI", 0xa6),
            ("universal tag", 0x16),
            ("application tag", 0x46),
            ("private tag", 0xc6),
            ("DNS name with our text", 0x82),
            ("email with our text", 0x81),
        ] {
            let rule = if tag == 0xa6 {
                Rule::Canonical
            } else {
                Rule::SubjectAlternativeName
            };
            let name = general_name(tag, RIGHT_ID.as_bytes());
            let der = Craft::new().extensions(&[san(true, &[name])]).der();
            self.csr(format!("name: {what}"), rule, &der);
        }
        let rule = Rule::SubjectAlternativeName;
        let raw = |value: &[u8]| Craft::new().extensions(&[extension("2.5.29.17", true, value)]);
        self.csr(
            "no names",
            rule,
            &Craft::new().extensions(&[san(true, &[])]).der(),
        );
        self.csr(
            "no subjectAltName",
            rule,
            &Craft::new().extensions(&[]).der(),
        );
        self.csr(
            "no attributes",
            rule,
            &Craft::new().attributes(vec![]).der(),
        );
        self.csr("name without its list", rule, &raw(&uri()).der());
        self.csr("names in a set", rule, &raw(&tlv(der::SET, &uri())).der());
        self.csr("names cut short", rule, &raw(&[0x30, 0x7f, 0x86]).der());
        let padded = [der::one_uri(RIGHT_ID.as_bytes()), vec![0x05, 0x00]].concat();
        self.csr("bytes after the names", rule, &raw(&padded).der());
        let other = san(
            true,
            &[general_name(URI, b"spiffe://cluster.local/ns/a/sa/b")],
        );
        for (what, extensions) in [
            ("ours first", vec![Craft::right_san(), other.clone()]),
            ("ours last", vec![other, Craft::right_san()]),
            ("both ours", vec![Craft::right_san(), Craft::right_san()]),
        ] {
            let der = Craft::new().extensions(&extensions).der();
            self.csr(format!("two subjectAltNames, {what}"), rule, &der);
        }
    }

    pub(super) fn subjects(&mut self) {
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
            let der = Craft::new()
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
            ("SPIFFE ID as CN", name(&[rdn(&[("2.5.4.3", RIGHT_ID)])])),
            (
                "terminal escapes",
                name(&[rdn(&[("2.5.4.3", "\u{1b}[2J\r\n")])]),
            ),
        ];
        for (what, subject) in table {
            let der = Craft::new().subject(subject).der();
            self.csr(format!("subject: {what}"), Rule::Subject, &der);
        }
        // One RDN without any attribute is no RDN for some parsers, so either rule may object.
        let der = Craft::new().subject(name(&[rdn(&[])])).der();
        self.csr("subject: empty RDN", Rule::Subject, &der);
    }
}

/// Texts that some reader takes for [`RIGHT_ID`], or that a careless one would accept.
pub(in crate::policy) fn wrong_uris() -> Vec<(&'static str, Vec<u8>)> {
    let texts = [
        ("empty", ""),
        (
            "another service account",
            "spiffe://cluster.local/ns/payments/sa/admin",
        ),
        (
            "another namespace",
            "spiffe://cluster.local/ns/kube-system/sa/api",
        ),
        (
            "service account's prefix",
            "spiffe://cluster.local/ns/payments/sa/ap",
        ),
        (
            "service account as prefix",
            "spiffe://cluster.local/ns/payments/sa/api2",
        ),
        (
            "dotted suffix",
            "spiffe://cluster.local/ns/payments/sa/api.x",
        ),
        (
            "another trust domain",
            "spiffe://example.org/ns/payments/sa/api",
        ),
        (
            "trust domain as prefix",
            "spiffe://cluster.local.example.org/ns/payments/sa/api",
        ),
        (
            "trust domain as suffix",
            "spiffe://x.cluster.local/ns/payments/sa/api",
        ),
        (
            "trailing dot in trust domain",
            "spiffe://cluster.local./ns/payments/sa/api",
        ),
        ("no trust domain", "spiffe:///ns/payments/sa/api"),
        ("no path", "spiffe://cluster.local"),
        ("root path", "spiffe://cluster.local/"),
        (
            "upper-case scheme",
            "SPIFFE://cluster.local/ns/payments/sa/api",
        ),
        (
            "mixed-case scheme",
            "Spiffe://cluster.local/ns/payments/sa/api",
        ),
        (
            "upper-case trust domain",
            "spiffe://CLUSTER.LOCAL/ns/payments/sa/api",
        ),
        (
            "upper-case path",
            "spiffe://cluster.local/ns/payments/sa/API",
        ),
        (
            "upper-case path key",
            "spiffe://cluster.local/NS/payments/SA/api",
        ),
        ("another scheme", "https://cluster.local/ns/payments/sa/api"),
        ("no scheme", "//cluster.local/ns/payments/sa/api"),
        ("one slash", "spiffe:/cluster.local/ns/payments/sa/api"),
        (
            "three slashes",
            "spiffe:///cluster.local/ns/payments/sa/api",
        ),
        ("opaque", "spiffe:cluster.local/ns/payments/sa/api"),
        ("port", "spiffe://cluster.local:443/ns/payments/sa/api"),
        ("empty port", "spiffe://cluster.local:/ns/payments/sa/api"),
        ("user", "spiffe://user@cluster.local/ns/payments/sa/api"),
        (
            "user and password",
            "spiffe://a:b@cluster.local/ns/payments/sa/api",
        ),
        ("empty user", "spiffe://@cluster.local/ns/payments/sa/api"),
        (
            "our domain as user",
            "spiffe://cluster.local@example.org/ns/payments/sa/api",
        ),
        ("query", "spiffe://cluster.local/ns/payments/sa/api?x=y"),
        ("empty query", "spiffe://cluster.local/ns/payments/sa/api?"),
        ("fragment", "spiffe://cluster.local/ns/payments/sa/api#x"),
        (
            "empty fragment",
            "spiffe://cluster.local/ns/payments/sa/api#",
        ),
        (
            "percent-encoded letter",
            "spiffe://cluster.local/ns/payments/sa/%61pi",
        ),
        (
            "percent-encoded slash",
            "spiffe://cluster.local/ns/payments/sa%2Fapi",
        ),
        (
            "percent-encoded NUL",
            "spiffe://cluster.local/ns/payments/sa/api%00",
        ),
        (
            "percent-encoded domain",
            "spiffe://cluster%2elocal/ns/payments/sa/api",
        ),
        (
            "percent-encoded dot segment",
            "spiffe://cluster.local/ns/x/%2e%2e/payments/sa/api",
        ),
        (
            "trailing slash",
            "spiffe://cluster.local/ns/payments/sa/api/",
        ),
        (
            "empty segment",
            "spiffe://cluster.local/ns/payments//sa/api",
        ),
        (
            "leading empty segment",
            "spiffe://cluster.local//ns/payments/sa/api",
        ),
        ("dot segment", "spiffe://cluster.local/ns/payments/./sa/api"),
        (
            "trailing dot segment",
            "spiffe://cluster.local/ns/payments/sa/api/.",
        ),
        (
            "parent segment",
            "spiffe://cluster.local/ns/x/../payments/sa/api",
        ),
        (
            "parent segment at the end",
            "spiffe://cluster.local/ns/payments/sa/api/x/..",
        ),
        (
            "further segment",
            "spiffe://cluster.local/ns/payments/sa/api/x",
        ),
        ("missing segment", "spiffe://cluster.local/ns/payments/api"),
        ("swapped", "spiffe://cluster.local/ns/api/sa/payments"),
        (
            "backslashes",
            "spiffe:\\\\cluster.local\\ns\\payments\\sa\\api",
        ),
        (
            "leading space",
            " spiffe://cluster.local/ns/payments/sa/api",
        ),
        (
            "trailing space",
            "spiffe://cluster.local/ns/payments/sa/api ",
        ),
        (
            "trailing line end",
            "spiffe://cluster.local/ns/payments/sa/api\n",
        ),
        (
            "line end inside",
            "spiffe://cluster.local/ns/payments/sa/a\npi",
        ),
        ("tab inside", "spiffe://cluster.local/ns/payments/sa/a\tpi"),
        (
            "trailing NUL",
            "spiffe://cluster.local/ns/payments/sa/api\0",
        ),
        (
            "NUL and more",
            "spiffe://cluster.local/ns/payments/sa/api\0.example.org",
        ),
        ("leading NUL", "\0spiffe://cluster.local/ns/payments/sa/api"),
        (
            "byte order mark",
            "\u{feff}spiffe://cluster.local/ns/payments/sa/api",
        ),
        (
            "look-alike letter",
            "spiffe://cluster.local/ns/payments/sa/\u{430}pi",
        ),
        (
            "zero-width space",
            "spiffe://cluster.local/ns/payments/sa/api\u{200b}",
        ),
        (
            "right-to-left mark",
            "spiffe://cluster.local/ns/payments/sa/\u{202e}ipa",
        ),
        (
            "combining letter",
            "spiffe://cluster.local/ns/payments/sa/api\u{301}",
        ),
        (
            "two joined by comma",
            "spiffe://cluster.local/ns/payments/sa/api,spiffe://x/y",
        ),
    ];
    let mut all: Vec<_> = texts
        .map(|(name, text)| (name, text.as_bytes().to_vec()))
        .to_vec();
    all.push(("invalid UTF-8", [RIGHT_ID.as_bytes(), &[0xff]].concat()));
    all.push((
        "overlong slash",
        b"spiffe://cluster.local/ns/payments/sa\xc0\xafapi".to_vec(),
    ));
    all.push((
        "UTF-16",
        RIGHT_ID.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    ));
    all.push(("over-long", [RIGHT_ID.as_bytes(), &[b'x'; 4000]].concat()));
    all
}
