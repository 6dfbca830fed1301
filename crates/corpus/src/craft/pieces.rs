//! The pieces of a signing request, right or wrong as they are asked for.

use svid_core::der::{self, tlv};

/// An OBJECT IDENTIFIER from its dotted form.
pub fn oid(dotted: &str) -> Vec<u8> {
    let mut arcs = dotted.split('.').map(|arc| arc.parse::<u64>().unwrap());
    let first = arcs.next().unwrap() * 40 + arcs.next().unwrap();
    let mut content = Vec::new();
    for arc in std::iter::once(first).chain(arcs) {
        let septets = (0..10)
            .rev()
            .map(|at| arc >> (7 * at))
            .skip_while(|rest| *rest == 0);
        let septets: Vec<u8> = septets.map(|rest| (rest & 0x7f) as u8 | 0x80).collect();
        match septets.split_last() {
            Some((last, init)) => {
                content.extend_from_slice(init);
                content.push(last & 0x7f);
            }
            None => content.push(0),
        }
    }
    tlv(0x06, &content)
}

pub fn utf8(text: &str) -> Vec<u8> {
    tlv(0x0c, text.as_bytes())
}

/// A Name of RDNs.
pub fn name(rdns: &[Vec<u8>]) -> Vec<u8> {
    tlv(der::SEQUENCE, &rdns.concat())
}

/// An RDN of types and `UTF8String` values.
pub fn rdn(values: &[(&str, &str)]) -> Vec<u8> {
    let values: Vec<Vec<u8>> = values
        .iter()
        .map(|(kind, value)| der::sequence(&[&oid(kind), &utf8(value)]))
        .collect();
    tlv(der::SET, &values.concat())
}

/// An attribute of a signing request.
pub fn attribute(kind: &str, values: &[Vec<u8>]) -> Vec<u8> {
    der::sequence(&[&oid(kind), &tlv(der::SET, &values.concat())])
}

/// The attribute that holds the extensions.
pub fn extension_request(extensions: &[Vec<u8>]) -> Vec<u8> {
    attribute(
        "1.2.840.113549.1.9.14",
        &[tlv(der::SEQUENCE, &extensions.concat())],
    )
}

pub fn extension(kind: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical {
        tlv(der::BOOLEAN, &[0xff])
    } else {
        Vec::new()
    };
    der::sequence(&[&oid(kind), &critical, &tlv(der::OCTET_STRING, value)])
}

/// The value of an extKeyUsage extension.
pub fn eku(purposes: &[&str]) -> Vec<u8> {
    let purposes: Vec<Vec<u8>> = purposes.iter().map(|purpose| oid(purpose)).collect();
    tlv(der::SEQUENCE, &purposes.concat())
}

pub fn general_name(tag: u8, content: &[u8]) -> Vec<u8> {
    tlv(tag, content)
}

pub fn san(critical: bool, names: &[Vec<u8>]) -> Vec<u8> {
    extension("2.5.29.17", critical, &tlv(der::SEQUENCE, &names.concat()))
}
