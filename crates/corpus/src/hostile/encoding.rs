//! Valid fields in an invalid encoding.

use svid_core::der::{self, tlv};
use svid_core::policy::Rule;

use crate::case::Cases;
use crate::craft::{Craft, Signer, extension, extension_request, name, oid};

impl Cases<'_> {
    pub(super) fn encodings(&mut self) {
        let world = self.world;
        let craft = world.craft();
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
            self.craft(
                format!("version {version:?}"),
                unreadable,
                &craft.clone().version(version),
            );
        }
        let info = craft.info();
        let without = |at: usize| {
            let mut parts = [
                vec![2, 1, 0],
                name(&[]),
                Signer::p256().spki(),
                tlv(der::ATTRIBUTES, &extension_request(&[world.right_san()])),
            ];
            parts[at].clear();
            craft.signed(&tlv(der::SEQUENCE, &parts.concat()))
        };
        for (at, what) in ["version", "subject", "key", "attributes"]
            .iter()
            .enumerate()
        {
            self.csr(format!("without the {what}"), unreadable, &without(at));
        }
        let untagged = craft.clone().subject(vec![0x05, 0x00]).der();
        self.csr("NULL in place of the subject", unreadable, &untagged);
        self.csr(
            "a set in place of the request",
            unreadable,
            &[&[0x31], &right[1..]].concat(),
        );
        let unsigned = der::sequence(&[&info, &Signer::p256().algorithm()]);
        self.csr("without a signature", unreadable, &unsigned);
        self.csr(
            "a certificate's outer form",
            unreadable,
            &der::sequence(&[&right]),
        );
    }

    /// A forgiving parser can read these; it is the rewriting that finds them.
    pub(super) fn other_bytes(&mut self) {
        let world = self.world;
        let craft = world.craft();
        let value = der::one_uri(world.identity().as_bytes());
        let explicit_false = der::sequence(&[
            &oid("2.5.29.17"),
            &[der::BOOLEAN, 1, 0],
            &tlv(der::OCTET_STRING, &value),
        ]);
        self.canonical(
            "critical FALSE written out",
            &craft.clone().extensions(&[explicit_false]),
        );
        let odd_true = der::sequence(&[
            &oid("2.5.29.17"),
            &[der::BOOLEAN, 1, 1],
            &tlv(der::OCTET_STRING, &value),
        ]);
        self.canonical("critical TRUE as 1", &craft.clone().extensions(&[odd_true]));
        let long_form = in_ber(&value);
        let long_form = extension("2.5.29.17", true, &long_form);
        self.canonical(
            "length longer than needed",
            &craft.clone().extensions(&[long_form]),
        );
        let indefinite = [&[0x30, 0x80], &world.right_name()[..], &[0, 0]].concat();
        let indefinite = extension("2.5.29.17", true, &indefinite);
        let indefinite = craft.clone().extensions(&[indefinite]);
        self.craft(
            "indefinite length",
            Rule::SubjectAlternativeName,
            &indefinite,
        );
        let padded = der::sequence(&[
            &oid("2.5.29.17"),
            &tlv(der::OCTET_STRING, &value),
            &[0x05, 0x00],
        ]);
        self.canonical(
            "bytes after an extension's value",
            &craft.clone().extensions(&[padded]),
        );
        let attribute = der::sequence(&[
            &oid("1.2.840.113549.1.9.14"),
            &tlv(der::SET, &tlv(der::SEQUENCE, &world.right_san())),
            &[0x05, 0x00],
        ]);
        self.canonical(
            "bytes after an attribute's values",
            &craft.clone().attributes(vec![attribute]),
        );
        let version = craft.clone().version(&[2, 0x81, 1, 0]);
        self.canonical("version in a long length", &version);
        let zero = craft.clone().version(&[2, 2, 0, 0]).der();
        self.csr("version with a leading zero", Rule::Encoding, &zero);
        let empty = craft.clone().subject(vec![0x30, 0x81, 0x00]);
        self.craft("empty subject in a long length", Rule::Subject, &empty);
        let spki = in_ber(&Signer::p256().spki());
        self.canonical("key in a long length", &craft.clone().spki(spki));
        let request = in_ber(&extension_request(&[world.right_san()]));
        self.canonical(
            "attribute in a long length",
            &craft.clone().attributes(vec![request]),
        );
        let constructed = [0x24, 0x80 | 1, u8::try_from(value.len() + 2).unwrap()];
        let constructed = [&constructed[..], &tlv(der::OCTET_STRING, &value)].concat();
        let constructed = der::sequence(&[&oid("2.5.29.17"), &constructed]);
        let constructed = craft.clone().extensions(&[constructed]);
        self.craft(
            "value as a constructed string",
            Rule::Encoding,
            &constructed,
        );
        // One that ends in a bit of 0, since a bit of 1 that is unused is refused on reading.
        let signatures = std::iter::repeat_with(|| Signer::p256().sign(&craft.info()));
        let mut even = signatures.filter(|signature| signature.last().unwrap() & 1 == 0);
        let mut signature = der::bit_string(&even.next().unwrap());
        signature[2] = 1;
        let der = der::sequence(&[&craft.info(), &Signer::p256().algorithm(), &signature]);
        self.csr("signature with unused bits", Rule::Canonical, &der);
    }

    /// Bytes where there should be none.
    pub(super) fn further_bytes(&mut self) {
        let world = self.world;
        let craft = world.craft();
        let right = craft.der();
        let unreadable = Rule::Encoding;
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

    fn canonical(&mut self, what: &str, craft: &Craft) {
        self.craft(what, Rule::Canonical, craft);
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
