//! Text that somebody else chose, made fit for an error or a log line.

/// The beginning of `text`, with everything escaped that a terminal or a log would act upon.
pub(super) fn excerpt(text: &str) -> String {
    let mut excerpt: String = text
        .chars()
        .take(CHARACTERS)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(CHARACTERS).is_some() {
        excerpt.push_str("...");
    }
    excerpt
}

const CHARACTERS: usize = 200;
