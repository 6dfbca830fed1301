//! Encodes the few DER structures that signing requests and names consist of.
//!
//! A writer only: the reader is x509-parser. Invariant: lengths are minimal and definite, so for
//! one input there is one output (X.690, section 10).

/// `SEQUENCE`.
pub const SEQUENCE: u8 = 0x30;
/// `SET`.
pub const SET: u8 = 0x31;
/// `BOOLEAN`.
pub const BOOLEAN: u8 = 0x01;
/// `INTEGER`.
pub const INTEGER: u8 = 0x02;
/// `BIT STRING`.
pub const BIT_STRING: u8 = 0x03;
/// `OBJECT IDENTIFIER`.
pub const OBJECT_IDENTIFIER: u8 = 0x06;
/// `OCTET STRING`.
pub const OCTET_STRING: u8 = 0x04;
/// `[0]`, constructed: the attributes of a signing request (RFC 2986, section 4.1).
pub const ATTRIBUTES: u8 = 0xa0;
/// `[6]`, primitive: a uniformResourceIdentifier among GeneralNames (RFC 5280, 4.2.1.6).
pub const URI: u8 = 0x86;

/// A whole `NULL`.
pub const NULL: [u8; 2] = [0x05, 0x00];

/// Returns tag, minimal length and content.
#[must_use]
pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short) if short < 0x80 => out.push(short),
        Ok(_) | Err(_) => {
            let bytes = content.len().to_be_bytes();
            let zeroes = bytes.iter().take_while(|byte| **byte == 0).count();
            let significant = bytes.get(zeroes..).unwrap_or_default();
            // At most eight, so it fits the low seven bits.
            out.push(0x80 | u8::try_from(significant.len()).unwrap_or(0x7f));
            out.extend_from_slice(significant);
        }
    }
    out.extend_from_slice(content);
    out
}

/// Returns a `SEQUENCE` of what is already encoded.
#[must_use]
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(SEQUENCE, &parts.concat())
}

/// Returns an `INTEGER` that is not negative, from its big-endian bytes.
#[must_use]
pub fn unsigned(big_endian: &[u8]) -> Vec<u8> {
    let zeroes = big_endian.iter().take_while(|byte| **byte == 0).count();
    let significant = big_endian.get(zeroes..).unwrap_or_default();
    match significant.first() {
        None => tlv(INTEGER, &[0]),
        Some(first) if *first >= 0x80 => tlv(INTEGER, &[&[0], significant].concat()),
        Some(_) => tlv(INTEGER, significant),
    }
}

/// Returns an `OBJECT IDENTIFIER` from its encoded arcs.
#[must_use]
pub fn oid(arcs: &[u8]) -> Vec<u8> {
    tlv(OBJECT_IDENTIFIER, arcs)
}

/// Returns a `BIT STRING` of whole bytes.
#[must_use]
pub fn bit_string(bytes: &[u8]) -> Vec<u8> {
    tlv(BIT_STRING, &[&[0], bytes].concat())
}

/// Returns the value of a subjectAltName extension that holds one URI and nothing else.
#[must_use]
pub fn one_uri(uri: &[u8]) -> Vec<u8> {
    sequence(&[&tlv(URI, uri)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_minimal_at_every_step() {
        for (length, header) in [
            (0, vec![0x04, 0x00]),
            (127, vec![0x04, 0x7f]),
            (128, vec![0x04, 0x81, 0x80]),
            (255, vec![0x04, 0x81, 0xff]),
            (256, vec![0x04, 0x82, 0x01, 0x00]),
            (65_535, vec![0x04, 0x82, 0xff, 0xff]),
            (65_536, vec![0x04, 0x83, 0x01, 0x00, 0x00]),
        ] {
            let encoded = tlv(OCTET_STRING, &vec![7; length]);
            assert_eq!(encoded[..header.len()], header, "{length}");
            assert_eq!(encoded.len(), header.len() + length);
        }
    }

    #[test]
    fn integers_are_minimal_and_never_negative() {
        for (bytes, encoded) in [
            (&[][..], &[2, 1, 0][..]),
            (&[0, 0], &[2, 1, 0]),
            (&[0x7f], &[2, 1, 0x7f]),
            (&[0x80], &[2, 2, 0, 0x80]),
            (&[0, 0, 1, 0, 1], &[2, 3, 1, 0, 1]),
        ] {
            assert_eq!(unsigned(bytes), encoded, "{bytes:?}");
        }
    }
}
