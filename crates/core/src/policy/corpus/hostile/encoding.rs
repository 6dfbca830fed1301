//! Right fields in wrong bytes.

use super::super::{Craft, RIGHT_ID, Signer, around, extension, general_name, oid};
use super::{Cases, URI};
use crate::policy::decision::Rule;
use crate::policy::der::{self, tlv};

impl Cases {
    pub(super) fn encodings(&mut self) {
        let craft = Craft::new();
        let right = craft.der();
        let unreadable = Rule::Encoding;
        self.csr("nothing", unreadable, &[]);
        self.csr("a number", unreadable, &[0x02, 0x01, 0x00]);
        self.csr("cut short", unreadable, &right[..right.len() - 1]);
        self.csr(
            "a byte at the end",
            unreadable,
            &[&right[..], &[0]].concat(),
        );
        self.csr("twice", unreadable, &[&right[..], &right[..]].concat());
        for version in [
            &[0x02, 0x01, 0x01][..],
            &[0x02, 0x01, 0x02],
            &[0x02, 0x01, 0xff],
        ] {
            self.csr(
                format!("version {version:?}"),
                unreadable,
                &craft.clone().version(version).der(),
            );
        }
        // The rest can be read by a forgiving parser; it is the rewriting that finds it.
        let explicit_false = der::sequence(&[
            &oid("2.5.29.17"),
            &[der::BOOLEAN, 1, 0],
            &tlv(der::OCTET_STRING, &der::one_uri(RIGHT_ID.as_bytes())),
        ]);
        self.canonical(
            "critical FALSE written out",
            &craft.clone().extensions(&[explicit_false]),
        );
        let odd_true = der::sequence(&[
            &oid("2.5.29.17"),
            &[der::BOOLEAN, 1, 1],
            &tlv(der::OCTET_STRING, &der::one_uri(RIGHT_ID.as_bytes())),
        ]);
        self.canonical("critical TRUE as 1", &craft.clone().extensions(&[odd_true]));
        let long_form = [&[0x30, 0x81, 0x2b, URI, 0x29], RIGHT_ID.as_bytes()].concat();
        let long_form = extension("2.5.29.17", true, &long_form);
        self.canonical(
            "length longer than needed",
            &craft.clone().extensions(&[long_form]),
        );
        let indefinite = [
            &[0x30, 0x80],
            &general_name(URI, RIGHT_ID.as_bytes())[..],
            &[0, 0],
        ]
        .concat();
        let indefinite = extension("2.5.29.17", true, &indefinite);
        let indefinite = craft.clone().extensions(&[indefinite]);
        self.csr(
            "indefinite length",
            Rule::SubjectAlternativeName,
            &indefinite.der(),
        );
        let padded = der::sequence(&[
            &oid("2.5.29.17"),
            &tlv(der::OCTET_STRING, &der::one_uri(RIGHT_ID.as_bytes())),
            &[0x05, 0x00],
        ]);
        self.canonical(
            "bytes after an extension's value",
            &craft.clone().extensions(&[padded]),
        );
        let attribute = der::sequence(&[
            &oid("1.2.840.113549.1.9.14"),
            &tlv(der::SET, &tlv(der::SEQUENCE, &Craft::right_san())),
            &[0x05, 0x00],
        ]);
        self.canonical(
            "bytes after an attribute's values",
            &craft.clone().attributes(vec![attribute]),
        );
        let info = craft.info();
        let appended = der::sequence(&[content(&info), &[5, 0]]);
        self.csr(
            "bytes at the end of what is signed",
            unreadable,
            &craft.signed(&appended),
        );
        self.csr(
            "what is signed in BER",
            Rule::Canonical,
            &craft.signed(&in_ber(&info)),
        );
        let signature = Signer::p256().sign(&info);
        let outer = [
            &info[..],
            &Signer::p256().algorithm(),
            &der::bit_string(&signature),
        ]
        .concat();
        let with_null = der::sequence(&[&outer, &[5, 0]]);
        self.csr(
            "bytes at the end of the request",
            Rule::Canonical,
            &with_null,
        );
        self.csr("the request in BER", Rule::Canonical, &in_ber(&right));
    }

    pub(super) fn canonical(&mut self, what: &str, craft: &Craft) {
        self.csr(what, Rule::Canonical, &craft.der());
    }

    pub(super) fn pem(&mut self) {
        let text = String::from_utf8(Craft::new().pem())
            .unwrap()
            .replace("\r\n", "\n");
        let body_at = text.find("-----\n").unwrap() + 6;
        let table = [
            ("empty", String::new()),
            ("text before", format!("hello\n{text}")),
            ("text after", format!("{text}hello\n")),
            ("two blocks", format!("{text}{text}")),
            (
                "certificate label",
                text.replace("CERTIFICATE REQUEST", "CERTIFICATE"),
            ),
            (
                "NEW label",
                text.replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"),
            ),
            (
                "lower-case label",
                text.replace("CERTIFICATE REQUEST", "certificate request"),
            ),
            (
                "header",
                format!(
                    "{}Proc-Type: 4,CLEAR\n\n{}",
                    &text[..body_at],
                    &text[body_at..]
                ),
            ),
            (
                "comment",
                format!("{}# hi\n{}", &text[..body_at], &text[body_at..]),
            ),
            (
                "blank line",
                format!("{}\n{}", &text[..body_at], &text[body_at..]),
            ),
            ("NUL at the end", format!("{text}\0")),
            (
                "no end",
                text.replace("-----END CERTIFICATE REQUEST-----", ""),
            ),
            ("over-long", format!("{text}{}", "\n".repeat(17 * 1024))),
            (
                "bare base64",
                text[body_at..].replace("-----END CERTIFICATE REQUEST-----", ""),
            ),
        ];
        for (what, text) in table {
            self.add(
                format!("PEM: {what}"),
                Rule::Encoding,
                around(text.into_bytes()),
            );
        }
        self.add(
            "PEM: DER without PEM",
            Rule::Encoding,
            around(Craft::new().der()),
        );
        let mut large = Craft::new();
        large = large.extensions(&[Craft::right_san(), extension("1.2.3", false, &[0; 13_000])]);
        self.add("PEM: 17 KiB", Rule::Encoding, around(large.pem()));
    }
}

/// What stands behind the header of a structure.
fn content(der: &[u8]) -> &[u8] {
    let header = if der[1] < 0x80 {
        2
    } else {
        2 + usize::from(der[1] & 0x7f)
    };
    &der[header..]
}

/// The same structure with a length in more bytes than it needs.
fn in_ber(der: &[u8]) -> Vec<u8> {
    let content = content(der);
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[der[0], 0x84], &length[..], content].concat()
}
