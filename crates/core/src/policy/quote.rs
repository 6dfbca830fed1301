//! Puts bytes of the requester into a message, so that they cannot do anything there.

/// Returns the bytes in double quotes, everything but printable ASCII escaped (`\x1b`, `\n`,
/// `\"`), and cut after [`MAX_QUOTED`] characters.
///
/// Stops a requester who wants to colour a terminal, forge a log line, hide text behind
/// right-to-left marks or look-alike letters, or fill the store with its own bytes.
pub(super) fn quote(bytes: impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref();
    let mut quoted = String::from("\"");
    for byte in bytes {
        let escaped = byte.escape_ascii();
        if quoted.len() + escaped.len() > MAX_QUOTED {
            quoted.push_str("\"...");
            return quoted;
        }
        quoted.extend(escaped.map(char::from));
    }
    quoted.push('"');
    quoted
}

/// Long enough for what is usually wrong in a SPIFFE ID; six of them fit a message.
const MAX_QUOTED: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_printable_ascii_comes_out() {
        let hostile = "a\u{1b}[31m\n\r\0\"\\\u{202e}ü";
        let quoted = quote(hostile);
        assert!(
            quoted.chars().all(|c| c == ' ' || c.is_ascii_graphic()),
            "{quoted}"
        );
        assert_eq!(quote("a b"), "\"a b\"");
        assert_eq!(quote(b"\"\xff\n"), r#""\"\xff\n""#);
    }

    #[test]
    fn long_text_is_cut_and_marked() {
        for hostile in ["x".repeat(1 << 20), "\0".repeat(1 << 20)] {
            let quoted = quote(hostile);
            assert!(quoted.len() <= MAX_QUOTED + 4);
            assert!(quoted.ends_with("\"..."));
        }
    }
}
