//! PEM (RFC 7468): text armour around DER.
//!
//! Written here rather than taken from a library for two reasons: buffers that hold a private key
//! have to be wiped, the ones in between as well; and a block that does not end, or is not base64,
//! has to be an error and not a block less.
//!
//! Text outside of blocks is ignored, as RFC 7468 section 2 wants it. Headers inside of blocks
//! (encrypted keys of old) are refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// One block: its label and the decoded bytes, wiped when dropped.
pub(crate) struct Block<'a> {
    pub(crate) label: &'a str,
    pub(crate) der: Zeroizing<Vec<u8>>,
}

/// Reads all blocks of a PEM text, in order.
pub(crate) fn decode(text: &[u8]) -> Result<Vec<Block<'_>>, ArmorError> {
    let mut blocks = Vec::new();
    let mut lines = text
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .enumerate();
    while let Some((index, line)) = lines.next() {
        let Some(label) = boundary(line, BEGIN) else {
            continue;
        };
        let begin = index + 1;
        // No block is longer than what remains of the text, so this never grows, which would leave
        // a copy of a key behind.
        let mut base64 = Zeroizing::new(Vec::with_capacity(text.len()));
        loop {
            let Some((_, line)) = lines.next() else {
                return Err(ArmorError::Unfinished { line: begin });
            };
            if let Some(end) = boundary(line, END) {
                if end != label {
                    return Err(ArmorError::Unfinished { line: begin });
                }
                break;
            }
            if line.starts_with(b"-----") {
                return Err(ArmorError::Unfinished { line: begin });
            }
            base64.extend_from_slice(line);
        }
        let mut der = Zeroizing::new(vec![0; base64.len() / 4 * 3 + 3]);
        let length = STANDARD
            .decode_slice(base64.as_slice(), &mut der)
            .or(Err(ArmorError::Base64 { line: begin }))?;
        der.truncate(length);
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

/// Appends one block with lines of 64 characters.
pub(crate) fn encode(label: &str, der: &[u8], text: &mut Zeroizing<String>) {
    let base64 = Zeroizing::new(STANDARD.encode(der));
    // Grown once and by hand: a string that grows by itself leaves its old copies unwiped.
    let needed = text.len() + base64.len() + base64.len() / LINE + 2 * (label.len() + 20);
    if text.capacity() < needed {
        let mut longer = Zeroizing::new(String::with_capacity(needed.max(2 * text.len())));
        longer.push_str(text);
        *text = longer;
    }
    text.push_str(BEGIN);
    text.push_str(label);
    text.push_str("-----\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(LINE).unwrap_or((rest, ""));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str(END);
    text.push_str(label);
    text.push_str("-----\n");
}

/// Why a text is not the PEM that was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArmorError {
    /// A block has no end, or the end of another label.
    #[error("the PEM block that begins in line {line} does not end properly")]
    Unfinished {
        /// The line of its begin, counted from 1.
        line: usize,
    },
    /// What stands inside a block is not base64.
    #[error("the PEM block that begins in line {line} is not base64")]
    Base64 {
        /// The line of its begin, counted from 1.
        line: usize,
    },
    /// There is no block of the expected label.
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

/// The label of a boundary line.
fn boundary<'a>(line: &'a [u8], kind: &str) -> Option<&'a str> {
    let label = line.strip_prefix(kind.as_bytes())?.strip_suffix(b"-----")?;
    // RFC 7468, section 3: printable characters without the hyphen; it may stand inside, though.
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
