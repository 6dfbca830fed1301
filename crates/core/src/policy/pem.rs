//! Decodes the one PEM block of a signing request.
//!
//! cert-manager and the issuers decode leniently: they skip text before the block, ignore what
//! follows the first one and accept headers. A request that two parsers read differently could be
//! approved as one thing and signed as another, so none of that is accepted here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::armor;

/// Why the text is not exactly one block of a signing request.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PemError {
    /// Longer than any valid one could be.
    #[error("the CSR is {bytes} bytes long, the limit is {limit}")]
    TooLarge {
        /// The length found.
        bytes: usize,
        /// The most that is taken.
        limit: usize,
    },
    /// No begin line at the start of the text.
    #[error("the CSR must start with the line -----BEGIN CERTIFICATE REQUEST-----")]
    NoBegin,
    /// No end line at the end of the text.
    #[error(
        "the CSR must be one PEM block that ends with the line -----END CERTIFICATE REQUEST-----"
    )]
    NoEnd,
    /// None or several blocks, if text around one would be tolerated.
    #[error("the CSR must be one PEM block of a CERTIFICATE REQUEST")]
    NotOneBlock,
    /// Something that is not base64 between begin and end: a header, another block, garbage.
    #[error("the CSR's PEM block must contain only base64, without headers or further blocks")]
    NotBase64,
}

/// Returns the bytes inside the only PEM block of the text: what the rules of this policy look at.
///
/// White space may surround the block, lines may end in LF or CR LF and be of any length.
///
/// # Errors
/// Anything that is not exactly one `CERTIFICATE REQUEST` block without headers (RFC 7468, section
/// 3, strict form, but for the line length).
pub fn decode(text: &[u8]) -> Result<Vec<u8>, PemError> {
    if text.len() > MAX_PEM_BYTES {
        return Err(PemError::TooLarge {
            bytes: text.len(),
            limit: MAX_PEM_BYTES,
        });
    }
    let text = text.trim_ascii();
    let body = text.strip_prefix(BEGIN).ok_or(PemError::NoBegin)?;
    let body = body.strip_suffix(END).ok_or(PemError::NoEnd)?;
    let body = strip_line_break(body).ok_or(PemError::NotBase64)?;
    let mut base64 = Vec::with_capacity(body.len());
    for line in body.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() || !line.iter().all(|byte| is_base64(*byte)) {
            return Err(PemError::NotBase64);
        }
        base64.extend_from_slice(line);
    }
    // With canonical padding and no stray bits.
    STANDARD.decode(base64).or(Err(PemError::NotBase64))
}

/// Returns the bytes inside the only PEM block of the text, ignoring any text around it.
///
/// For requests that are unrelated to SPIFFE: other tools write headers, comments and the old
/// label, and a web server's request may contain hundreds of names. More than one block is still
/// refused, since parsers differ in which one they use.
///
/// # Errors
/// No block of a signing request, or any second block.
pub(super) fn decode_leniently(text: &[u8]) -> Result<Vec<u8>, PemError> {
    if text.len() > MAX_REQUEST_BYTES {
        return Err(PemError::TooLarge {
            bytes: text.len(),
            limit: MAX_REQUEST_BYTES,
        });
    }
    if !is_once_at_line_start(text, ANY_BEGIN) || !is_once_at_line_start(text, ANY_END) {
        return Err(PemError::NotOneBlock);
    }
    let blocks = armor::decode_past_headers(text).map_err(|_refused| PemError::NotOneBlock)?;
    match blocks.as_slice() {
        [block] if LABELS.contains(&block.label) => Ok(block.der.to_vec()),
        [..] => Err(PemError::NotOneBlock),
    }
}

/// The largest signing request that is considered. One with an RSA 4096 key and every extension
/// takes 2 KiB; Kubernetes' own limit for the same thing is 10 KiB of DER, which is 14 KiB here.
pub(super) const MAX_PEM_BYTES: usize = 16 * 1024;

/// The largest signing request of any kind: one for hundreds of web names takes half of it. Code
/// that stores requests may truncate them one byte after it.
pub const MAX_REQUEST_BYTES: usize = 128 * 1024;

/// The second is what old tools write.
const LABELS: [&str; 2] = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"];
const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE REQUEST-----";
const ANY_BEGIN: &[u8] = b"-----BEGIN";
const ANY_END: &[u8] = b"-----END";
const END: &[u8] = b"-----END CERTIFICATE REQUEST-----";

/// Whether a mark is there once and begins a line. Some readers find it anywhere in a line and
/// others only there, so elsewhere it would split the text in two ways.
fn is_once_at_line_start(text: &[u8], mark: &[u8]) -> bool {
    let mut found = text
        .windows(mark.len())
        .enumerate()
        .filter(|(_, window)| *window == mark)
        .map(|(at, _)| at);
    match (found.next(), found.next()) {
        (Some(0), None) => true,
        (Some(at), None) => text.get(at - 1) == Some(&b'\n'),
        _ => false,
    }
}

/// Both the begin line and the last line of base64 must end before what follows.
fn strip_line_break(body: &[u8]) -> Option<&[u8]> {
    let body = body
        .strip_prefix(b"\r\n")
        .or_else(|| body.strip_prefix(b"\n"))?;
    let body = body.strip_suffix(b"\n")?;
    Some(body.strip_suffix(b"\r").unwrap_or(body))
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twelve bytes of base64 in two lines.
    const BLOCK: &str = "-----BEGIN CERTIFICATE REQUEST-----\nAAECAwQF\nBgcICQoL\n-----END CERTIFICATE REQUEST-----\n";

    #[test]
    fn reads_one_block_however_its_lines_end() {
        let contents: Vec<u8> = (0..12).collect();
        for text in [
            BLOCK.to_owned(),
            BLOCK.trim_end().to_owned(),
            BLOCK.replace('\n', "\r\n"),
            format!("\n  \t{BLOCK}\n\n"),
            BLOCK.replace("QF\nBg", "QFBg"),
        ] {
            assert_eq!(decode(text.as_bytes()), Ok(contents.clone()), "{text:?}");
        }
    }

    #[test]
    fn refuses_whatever_two_readers_could_read_differently() {
        let table = [
            ("empty", String::new(), PemError::NoBegin),
            ("text before", format!("x{BLOCK}"), PemError::NoBegin),
            ("text after", format!("{BLOCK}x"), PemError::NoEnd),
            ("two blocks", format!("{BLOCK}{BLOCK}"), PemError::NotBase64),
            (
                "another label",
                BLOCK.replace("CERTIFICATE REQUEST", "CERTIFICATE"),
                PemError::NoBegin,
            ),
            (
                "old label",
                BLOCK.replace("CERTIFICATE", "NEW CERTIFICATE"),
                PemError::NoBegin,
            ),
            (
                "labels differ",
                BLOCK.replace("END CERTIFICATE REQUEST", "END X"),
                PemError::NoEnd,
            ),
            (
                "header",
                BLOCK.replace("-----\nAA", "-----\nA: b\n\nAA"),
                PemError::NotBase64,
            ),
            (
                "blank line",
                BLOCK.replace("QF\nBg", "QF\n\nBg"),
                PemError::NotBase64,
            ),
            (
                "inner space",
                BLOCK.replace("QF\nBg", "QF \nBg"),
                PemError::NotBase64,
            ),
            (
                "nothing inside",
                BLOCK.replace("AAECAwQF\nBgcICQoL\n", ""),
                PemError::NotBase64,
            ),
            (
                "no line break",
                BLOCK.replace("-----\nAA", "-----AA"),
                PemError::NotBase64,
            ),
            (
                "padding inside",
                BLOCK.replace("AwQF", "A==="),
                PemError::NotBase64,
            ),
            (
                "stray bits",
                BLOCK.replace("ICQoL", "ICQp="),
                PemError::NotBase64,
            ),
            (
                "not padded",
                BLOCK.replace("ICQoL", "ICQo"),
                PemError::NotBase64,
            ),
            (
                "url alphabet",
                BLOCK.replace("AwQF", "A-_F"),
                PemError::NotBase64,
            ),
            (
                "not ASCII",
                BLOCK.replace("AwQF", "AwQü"),
                PemError::NotBase64,
            ),
        ];
        for (name, text, expected) in table {
            assert_eq!(decode(text.as_bytes()), Err(expected), "{name}");
        }
    }

    #[test]
    fn lenient_reading_takes_any_one_block_of_a_request() {
        let contents: Vec<u8> = (0..12).collect();
        for text in [
            BLOCK.to_owned(),
            format!("Certificate request of example.org:\n{BLOCK}bye\n"),
            BLOCK.replace("CERTIFICATE", "NEW CERTIFICATE"),
            BLOCK.replace("-----\nAA", "-----\nComment: hi\n\nAA"),
            BLOCK.replace('\n', "\r\n"),
            // White space, as Go's parser trims it.
            BLOCK.replace('\n', " \n"),
            BLOCK.replace("AwQF", "Aw QF\t"),
            BLOCK.replace("QF\nBg", "QF\n\nBg"),
            BLOCK.replace("-----END", "\n-----END"),
        ] {
            assert_eq!(
                decode_leniently(text.as_bytes()),
                Ok(contents.clone()),
                "{text:?}"
            );
        }
        let names = "A".repeat(100_000);
        let large = BLOCK.replace("AAECAwQF", &names);
        assert!(
            decode_leniently(large.as_bytes()).is_ok(),
            "hundreds of names"
        );
        for text in [
            String::new(),
            format!("{BLOCK}{BLOCK}"),
            BLOCK.replace("CERTIFICATE REQUEST", "CERTIFICATE"),
            BLOCK.replace("-----END", "----END"),
            BLOCK.replace("-----\nAA", "-----\nComment: hi\nAA"),
            BLOCK.replace("-----\nAA", "-----\nComment\n\nAA"),
            BLOCK.replace("-----\nAA", "-----\nA: b\n\nC: d\n\nAA"),
            BLOCK.replace("AwQF", "AwQ*"),
            BLOCK.replace("REQUEST-----\nAA", "REQUEST-----AA"),
            BLOCK.replace("-----\n", "-----x\n"),
        ] {
            assert_eq!(
                decode_leniently(text.as_bytes()),
                Err(PemError::NotOneBlock),
                "{text:?}"
            );
        }
    }

    #[test]
    fn refuses_a_text_beyond_the_limit_before_reading_it() {
        let text = vec![b'\n'; MAX_PEM_BYTES + 1];
        assert_eq!(
            decode(&text),
            Err(PemError::TooLarge {
                bytes: MAX_PEM_BYTES + 1,
                limit: MAX_PEM_BYTES,
            })
        );
    }
}
