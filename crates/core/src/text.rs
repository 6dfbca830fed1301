//! Untrusted text, made safe to show in an error, a log, an Event or a condition.
//!
//! Three functions for three uses: [`quote`] for a denial, which may contain only printable ASCII;
//! [`excerpt`] for one value within our own sentence; [`one_line`] for a whole explanation.
//! Invariant: the result is short, stays on one line and is fully visible: nothing in it controls a
//! terminal, changes the direction of writing or is invisible.

/// Returns the bytes in double quotes, everything but printable ASCII escaped (`\x1b`, `\n`,
/// `\"`), and cut after 120 characters.
///
/// Stops a requester who wants to colour a terminal, forge a log line, hide text behind
/// right-to-left marks or look-alike letters, or fill the store with its own bytes.
pub fn quote(bytes: impl AsRef<[u8]>) -> String {
    let mut quoted = String::from("\"");
    for byte in bytes.as_ref() {
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

/// Returns the first 200 characters of a value, to be put between double quotes: those that do not
/// show, quotes and backslashes are escaped (`\u{202e}`, `\n`, `\"`), and other languages stay
/// readable.
#[must_use]
pub fn excerpt(text: &str) -> String {
    let mut excerpt = String::new();
    for character in text.chars().take(MAX_EXCERPT) {
        if is_hidden(character) && !character.is_control() {
            excerpt.extend(character.escape_unicode());
        } else {
            excerpt.extend(character.escape_debug());
        }
    }
    if text.chars().nth(MAX_EXCERPT).is_some() {
        excerpt.push_str(CUT);
    }
    excerpt
}

/// Returns words on one line of at most `most` bytes, with a space for every character that does
/// not show. Three dots at the end say that something was cut off.
///
/// Bytes, because the limits of Events and gRPC answers are in bytes.
#[must_use]
pub fn one_line(words: &str, most: usize) -> String {
    let mut line = String::new();
    for character in words.chars() {
        let shown = if is_hidden(character) { ' ' } else { character };
        if line.len() + shown.len_utf8() > most {
            line.truncate(line.floor_char_boundary(most.saturating_sub(CUT.len())));
            line.push_str(CUT);
            break;
        }
        line.push(shown);
    }
    line
}

/// Whether a character shows nothing of its own: Unicode's control and format characters (Cc, Cf),
/// line and paragraph separators (Zl, Zp), and all that a font is to leave out
/// (Default_Ignorable_Code_Point: joiners, fillers, variation selectors, tags). Unicode 17.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{600}'..='\u{605}'
                | '\u{61c}'
                | '\u{6dd}'
                | '\u{70f}'
                | '\u{890}'..='\u{891}'
                | '\u{8e2}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{110bd}'
                | '\u{110cd}'
                | '\u{13430}'..='\u{1343f}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Long enough for what is usually wrong in a SPIFFE ID; six of them fit a denial.
const MAX_QUOTED: usize = 120;
/// Longer than nearly every valid Kubernetes name.
const MAX_EXCERPT: usize = 200;
const CUT: &str = "...";

#[cfg(test)]
mod tests {
    use super::*;

    /// What must not reach a reader as it is.
    const HOSTILE: [char; 19] = [
        '\0',
        '\t',
        '\n',
        '\r',
        '\u{1b}',
        '\u{7f}',
        '\u{85}',
        '\u{9b}',
        '\u{ad}',
        '\u{61c}',
        '\u{200b}',
        '\u{200d}',
        '\u{200e}',
        '\u{2028}',
        '\u{202e}',
        '\u{2066}',
        '\u{3164}',
        '\u{feff}',
        '\u{e0041}',
    ];

    #[test]
    fn only_printable_ascii_comes_out_of_a_quote() {
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
    fn a_long_quote_is_cut_and_marked() {
        for hostile in ["x".repeat(1 << 20), "\0".repeat(1 << 20)] {
            let quoted = quote(hostile);
            assert!(quoted.len() <= MAX_QUOTED + 4);
            assert!(quoted.ends_with("\"..."));
        }
    }

    #[test]
    fn an_excerpt_escapes_what_does_not_show_and_what_could_end_the_quotes() {
        assert_eq!(
            excerpt("a\"b\\\n\0\u{1b}\u{202e}\u{200d}\u{3164}\u{e0041}"),
            r#"a\"b\\\n\0\u{1b}\u{202e}\u{200d}\u{3164}\u{e0041}"#
        );
        for hostile in HOSTILE {
            assert!(
                !excerpt(&format!("a{hostile}b")).contains(hostile),
                "{hostile:?}"
            );
        }
        assert_eq!(excerpt("CN=Müller 日本"), "CN=Müller 日本");
        assert_eq!(excerpt(&"é".repeat(200)), "é".repeat(200));
        assert_eq!(
            excerpt(&"é".repeat(1 << 20)),
            format!("{}...", "é".repeat(200))
        );
    }

    #[test]
    fn words_stay_on_one_line_and_hide_nothing() {
        for hostile in HOSTILE {
            assert_eq!(one_line(&format!("a{hostile}b"), 100), "a b", "{hostile:?}");
        }
        let many = String::from_iter(HOSTILE).repeat(1000);
        assert_eq!(one_line(&many, 600), format!("{}...", " ".repeat(597)));
    }

    #[test]
    fn words_in_any_language_stay_as_they_are() {
        for words in [
            "",
            "admission webhook \"x\" denied it: C:\\temp is 100%",
            "Grüße, e\u{301}te",
            "証明書の要求は拒否されました",
            "अनुरोध अस्वीकृत किया गया",
            "البيانات مرفوضة",
            "הבקשה נדחתה",
            "ถูกปฏิเสธ 👍🏽",
        ] {
            assert_eq!(one_line(words, 600), words);
        }
    }

    #[test]
    fn words_are_cut_between_characters_and_never_exceed_their_limit() {
        for (words, most, expected) in [
            ("abcd", 4, "abcd"),
            ("abcde", 4, "a..."),
            ("éé", 4, "éé"),
            ("ééé", 5, "é..."),
            ("ééé", 4, "..."),
            ("a\u{e0041}\u{e0042}b", 4, "a  b"),
            ("", 0, ""),
        ] {
            assert_eq!(one_line(words, most), expected, "{words:?} {most}");
        }
        for character in ["x", "é", "日", "👍", "\n", "\u{202e}"] {
            let line = one_line(&character.repeat(1 << 20), 800);
            assert!(line.len() <= 800 && line.len() > 790, "{character:?}");
            assert!(line.ends_with("..."), "{character:?}");
        }
    }
}
