//! PEM (RFC 7468): text armour around DER.
//!
//! Written here instead of using a library for two reasons: every buffer that holds a private key
//! must be wiped, intermediate ones included; and an unterminated block, or one that is not base64,
//! must be an error instead of being skipped.
//!
//! Text outside blocks is ignored, as RFC 7468 section 2 requires. Headers inside blocks (old
//! encrypted keys) are refused, unless the caller asks to skip them. For text that must be exactly
//! one block the policy has a stricter reader (`policy/pem`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// One block: its label and the decoded bytes, wiped when dropped.
pub struct Block<'a> {
    /// The text after `BEGIN`.
    pub label: &'a str,
    /// The decoded bytes.
    pub der: Zeroizing<Vec<u8>>,
}

/// Reads all blocks of a PEM text, in order, the way all PEM here is read: keys, certificates,
/// bundles, and the driver's own requests.
///
/// # Errors
///
/// When a block does not end with the label it began with, or is not base64.
pub fn decode(text: &[u8]) -> Result<Vec<Block<'_>>, ArmorError> {
    read(text, bytes)
}

/// Reads all blocks as [`decode`] does, but skips headers within them, as Go's `encoding/pem` does
/// (RFC 1421, section 4.4: lines with a colon, up to a blank one), and white space in the base64.
pub(crate) fn decode_past_headers(text: &[u8]) -> Result<Vec<Block<'_>>, ArmorError> {
    read(text, |lines| {
        let headers = lines.iter().take_while(|line| line.contains(&b':')).count();
        let content = lines.get(headers..)?;
        if headers > 0 && content.first().is_some_and(|line| !line.is_empty()) {
            return None;
        }
        let words = content
            .iter()
            .flat_map(|line| line.split(|byte| matches!(byte, b' ' | b'\t')));
        bytes(&words.collect::<Vec<_>>())
    })
}

/// Reads all blocks; `bytes` decodes the lines of one.
fn read(
    text: &[u8],
    bytes: impl Fn(&[&[u8]]) -> Option<Zeroizing<Vec<u8>>>,
) -> Result<Vec<Block<'_>>, ArmorError> {
    let mut blocks = Vec::new();
    let mut lines = text
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .enumerate();
    while let Some((index, line)) = lines.next() {
        let number = index + 1;
        if boundary(line, END).is_some() {
            return Err(ArmorError::Unfinished { line: number });
        }
        let Some(label) = boundary(line, BEGIN) else {
            continue;
        };
        let mut content = Vec::new();
        loop {
            let Some((_, line)) = lines.next() else {
                return Err(ArmorError::Unfinished { line: number });
            };
            if boundary(line, END) == Some(label) {
                break;
            }
            if line.starts_with(b"-----") {
                return Err(ArmorError::Unfinished { line: number });
            }
            content.push(line);
        }
        let der = bytes(&content).ok_or(ArmorError::Base64 { line: number })?;
        blocks.push(Block { label, der });
    }
    Ok(blocks)
}

/// Reads a text that must hold exactly one block, of the given label.
pub(crate) fn decode_single(
    text: &[u8],
    label: &'static str,
) -> Result<Zeroizing<Vec<u8>>, ArmorError> {
    let mut blocks = decode(text)?.into_iter();
    match (blocks.next(), blocks.next()) {
        (Some(block), None) if block.label == label => Ok(block.der),
        (None, _) => Err(ArmorError::Missing { label }),
        (Some(_), _) => Err(ArmorError::NotSingle { label }),
    }
}

/// Writes one block with lines of 64 characters, in memory that is wiped when dropped.
pub(crate) fn encode(label: &str, der: &[u8]) -> Zeroizing<String> {
    let base64 = Zeroizing::new(STANDARD.encode(der));
    // At full capacity from the start: a text that grows leaves unwiped copies behind.
    let length = base64.len() + base64.len() / LINE + 2 * (label.len() + BOUNDARY);
    let mut text = Zeroizing::new(String::with_capacity(length));
    text.extend([BEGIN, label, "-----\n"]);
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(LINE).unwrap_or((rest, ""));
        text.extend([line, "\n"]);
        rest = after;
    }
    text.extend([END, label, "-----\n"]);
    text
}

/// Why a text is not the PEM that was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArmorError {
    /// A block has no end or no begin, or they differ.
    #[error("the PEM block at line {line} does not begin and end with the same label")]
    Unfinished {
        /// The line of its begin, or of the end without one, counted from 1.
        line: usize,
    },
    /// The content of a block is not base64.
    #[error("the PEM block that begins at line {line} is not base64")]
    Base64 {
        /// The line of its begin, counted from 1.
        line: usize,
    },
    /// No block has the expected label.
    #[error("there is no PEM block \"{label}\"")]
    Missing {
        /// The expected label.
        label: &'static str,
    },
    /// There are several blocks, or one of another label.
    #[error("exactly one PEM block \"{label}\" is expected and nothing else")]
    NotSingle {
        /// The expected label.
        label: &'static str,
    },
}

/// Decodes the lines of a block, leaving no copy behind.
fn bytes(lines: &[&[u8]]) -> Option<Zeroizing<Vec<u8>>> {
    let length = lines.iter().map(|line| line.len()).sum();
    let mut base64 = Zeroizing::new(Vec::with_capacity(length));
    for line in lines {
        base64.extend_from_slice(line);
    }
    let mut bytes = Zeroizing::new(vec![0; length / 4 * 3 + 3]);
    let length = STANDARD.decode_slice(base64.as_slice(), &mut bytes).ok()?;
    bytes.truncate(length);
    Some(bytes)
}

/// The label of a boundary line.
fn boundary<'a>(line: &'a [u8], kind: &str) -> Option<&'a str> {
    let label = line.strip_prefix(kind.as_bytes())?.strip_suffix(b"-----")?;
    // RFC 7468, section 3.
    let legal = label.iter().all(|byte| matches!(byte, b' '..=b'~'));
    if legal {
        str::from_utf8(label).ok()
    } else {
        None
    }
}

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const LINE: usize = 64;
/// More than either boundary line has besides its label.
const BOUNDARY: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_it_reads_whatever_the_length() {
        for length in 0..300 {
            let der: Vec<u8> = (0..=255).cycle().step_by(7).take(length).collect();
            let text = encode("SOMETHING LONG", &der);
            assert!(text.lines().all(|line| line.len() <= LINE), "{length}");
            let capacity = text.capacity();
            assert!(text.len() <= capacity, "{length}");
            let decoded = decode_single(text.as_bytes(), "SOMETHING LONG").expect("own text");
            assert_eq!(*decoded, der, "{length}");
        }
    }

    #[test]
    fn never_grows_the_text_that_may_hold_a_key() {
        for length in [0, 1, 47, 48, 49, 138, 1000, 6500] {
            let text = encode("PRIVATE KEY", &vec![7; length]);
            let base64 = length.div_ceil(3) * 4;
            assert_eq!(
                text.capacity(),
                base64 + base64 / LINE + 2 * (11 + BOUNDARY),
                "{length}"
            );
        }
    }

    #[test]
    fn takes_text_around_blocks_other_line_ends_and_indentation() {
        let table = [
            "-----BEGIN A-----\nAQID\n-----END A-----\n",
            "-----BEGIN A-----\nAQID\n-----END A-----",
            "-----BEGIN A-----\r\nAQ\r\nID\r\n-----END A-----\r\n",
            "subject= /CN=x\n\n  -----BEGIN A-----  \n\n\tAQID\n-----END A-----\nafter\n",
            "\u{ff}\u{0}\n-----BEGIN A-----\nAQID\n-----END A-----\n",
        ];
        for text in table {
            let blocks = decode(text.as_bytes()).expect(text);
            let [block] = blocks.as_slice() else {
                panic!("{text}")
            };
            assert_eq!(
                (block.label, block.der.as_slice()),
                ("A", [1, 2, 3].as_slice()),
                "{text}"
            );
        }
        assert!(decode(b"").expect("empty").is_empty());
        assert!(decode(b"no block at all").expect("text").is_empty());
        let two = "-----BEGIN A-----\nAQID\n-----END A-----\n-----BEGIN B C-----\nBA==\n-----END B C-----\n";
        let labels: Vec<_> = decode(two.as_bytes())
            .expect(two)
            .iter()
            .map(|block| block.label)
            .collect();
        assert_eq!(labels, ["A", "B C"]);
    }

    #[test]
    fn refuses_blocks_that_do_not_end_or_are_not_base64() {
        let unfinished = |line| ArmorError::Unfinished { line };
        let base64 = |line| ArmorError::Base64 { line };
        let table = [
            ("-----BEGIN A-----\nAQID\n", unfinished(1)),
            ("\n\n-----BEGIN A-----", unfinished(3)),
            ("-----BEGIN A-----\nAQID\n-----END B-----\n", unfinished(1)),
            (
                "-----BEGIN A-----\n-----BEGIN A-----\nAQID\n-----END A-----\n",
                unfinished(1),
            ),
            (
                "-----BEGIN A-----\nAQID\n-----END A----------BEGIN A-----\nAQID\n-----END A-----\n",
                unfinished(1),
            ),
            ("AQID\n-----END A-----\n", unfinished(2)),
            (
                "\u{feff}-----BEGIN A-----\nAQID\n-----END A-----\n",
                unfinished(3),
            ),
            ("-----BEGIN A-----\nAQI\n-----END A-----\n", base64(1)),
            ("-----BEGIN A-----\nAQ ID\n-----END A-----\n", base64(1)),
            ("-----BEGIN A-----\nAQID=\n-----END A-----\n", base64(1)),
            (
                "-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nAQID\n-----END A-----\n",
                base64(1),
            ),
        ];
        for (text, error) in table {
            assert_eq!(decode(text.as_bytes()).err(), Some(error), "{text}");
        }
    }

    #[test]
    fn a_single_block_is_single_and_of_the_right_label() {
        let a = "-----BEGIN A-----\nAQID\n-----END A-----\n";
        assert!(decode_single(a.as_bytes(), "A").is_ok());
        assert_eq!(
            decode_single(a.as_bytes(), "B"),
            Err(ArmorError::NotSingle { label: "B" })
        );
        assert_eq!(
            decode_single(b"", "A"),
            Err(ArmorError::Missing { label: "A" })
        );
        let twice = format!("{a}{a}");
        assert_eq!(
            decode_single(twice.as_bytes(), "A"),
            Err(ArmorError::NotSingle { label: "A" })
        );
    }
}
