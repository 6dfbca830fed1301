//! The texts that the product can print: the string literals of its sources, without those of
//! tests, and the templates of the chart.

use std::path::Path;

/// What is printed.
#[derive(Debug, Default)]
pub(super) struct Sentences {
    texts: Vec<String>,
    reasons: Vec<String>,
    refusals: Vec<String>,
}

impl Sentences {
    /// Takes the string literals of a source file.
    pub(super) fn add_source(&mut self, path: &Path, source: &str) {
        let is_test = path.components().any(|part| {
            let part = part.as_os_str();
            part == "tests" || part == "tests.rs"
        });
        if is_test {
            return;
        }
        let literals = literals(source);
        if path.ends_with("events/mod.rs") {
            let is_reason = |literal: &&String| {
                literal.starts_with(char::is_uppercase)
                    && literal.chars().all(char::is_alphanumeric)
            };
            self.reasons
                .extend(literals.iter().filter(is_reason).cloned());
        }
        self.texts.extend(literals);
    }

    /// Takes a template of the chart, as one text.
    pub(super) fn add_template(&mut self, template: &str) {
        for opening in ["fail \"", "fail (printf \""] {
            let refusals = template.split(opening).skip(1);
            let texts =
                refusals.filter_map(|after| literal(after).map(|(text, _)| one_line(&text)));
            self.refusals.extend(texts);
        }
        self.texts.push(one_line(&template.replace("\\\"", "\"")));
    }

    /// Whether some text holds this part.
    pub(super) fn print(&self, part: &str) -> bool {
        let part = one_line(part);
        self.texts.iter().any(|text| text.contains(&part))
    }

    /// The reasons of Events.
    pub(super) fn reasons(&self) -> impl Iterator<Item = &str> {
        self.reasons.iter().map(String::as_str)
    }

    /// The texts with which the chart ends a rendering.
    pub(super) fn refusals(&self) -> impl Iterator<Item = &str> {
        self.refusals.iter().map(String::as_str)
    }
}

/// The string literals of a source, as they are printed, on one line each.
pub(super) fn literals(source: &str) -> Vec<String> {
    let mut literals = Vec::new();
    for line in logical_lines(source) {
        let mut rest = line.as_str();
        while let Some((_, after)) = rest.split_once('"') {
            let Some((literal, after)) = literal(after) else {
                break;
            };
            literals.push(one_line(&literal));
            rest = after;
        }
    }
    literals
}

/// The source without comments and without the tests at its end, and with literals of several lines
/// on one.
fn logical_lines(source: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut continues = false;
    for line in source.lines() {
        let text = line.trim_start();
        let is_last_for_tests = lines.last().is_some_and(|last| last == "#[cfg(test)]");
        if is_last_for_tests && text.starts_with("mod ") && text.ends_with('{') {
            break;
        }
        if !continues && text.starts_with("//") {
            continue;
        }
        let (text, more) = match text.strip_suffix('\\') {
            Some(text) => (text, true),
            None => (text, false),
        };
        match lines.last_mut() {
            Some(last) if continues => last.push_str(text),
            _ => lines.push(text.to_owned()),
        }
        continues = more;
    }
    lines
}

/// A literal whose opening quote was taken, and what follows it.
fn literal(text: &str) -> Option<(String, &str)> {
    let mut literal = String::new();
    let mut escaped = false;
    for (index, c) in text.char_indices() {
        match (escaped, c) {
            (false, '"') => return Some((literal, &text[index + 1..])),
            (false, '\\') => escaped = true,
            (true, 'n') => {
                literal.push(' ');
                escaped = false;
            }
            _ => {
                literal.push(c);
                escaped = false;
            }
        }
    }
    None
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_literals_as_they_are_printed() {
        let source = r#"
            // "a comment"
            let a = "one \
                two"; // "not closed
            f("say \"x\"", "b\nc");
            #[cfg(test)]
            mod fixture;
            g("d");
            #[cfg(test)]
            mod tests {
                const E: &str = "e";
            }
        "#;
        assert_eq!(literals(source), ["one two", "say \"x\"", "b c", "d"]);
    }
}
