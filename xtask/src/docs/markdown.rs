//! As much of Markdown as the checks need: what is prose, its links, headings and quotations.

/// The lines outside of fenced blocks, each with its number, counted from 1.
pub(super) fn prose(page: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fence: Option<&str> = None;
    page.lines().enumerate().filter_map(move |(index, line)| {
        let start = line.trim_start();
        let mark = ["```", "~~~"]
            .into_iter()
            .find(|mark| start.starts_with(mark));
        match (fence, mark) {
            (None, None) => return Some((index + 1, line)),
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            (Some(_), _) => {}
        }
        None
    })
}

/// The targets of a line's links, inline code left out.
pub(super) fn links(line: &str) -> Vec<&str> {
    let mut links = Vec::new();
    // Every second piece is inline code.
    for text in line.split('`').step_by(2) {
        for after in text.split("](").skip(1) {
            links.extend(after.split_once(')').map(|(target, _)| target));
        }
    }
    links
}

/// The fragments by which a page's headings are reached, as GitHub makes them.
pub(super) fn anchors(page: &str) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    for (_, line) in prose(page) {
        let text = line.trim_start_matches('#');
        let level = line.len() - text.len();
        if !(1..=6).contains(&level) || !text.starts_with(' ') {
            continue;
        }
        let slug = slug(text.trim());
        let same = |anchor: &&String| {
            let rest = anchor.strip_prefix(slug.as_str());
            rest.is_some_and(|rest| {
                rest.is_empty()
                    || rest.strip_prefix('-').is_some_and(|number| {
                        !number.is_empty() && number.chars().all(|c| c.is_ascii_digit())
                    })
            })
        };
        let before = anchors.iter().filter(same).count();
        anchors.push(if before == 0 {
            slug
        } else {
            format!("{slug}-{before}")
        });
    }
    anchors
}

fn slug(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    let lower = kept.flat_map(char::to_lowercase);
    lower.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// A page's block quotations, each with the number of its first line.
pub(super) fn quotations(page: &str) -> Vec<(usize, String)> {
    let mut quotations: Vec<(usize, String)> = Vec::new();
    let mut last = 0;
    for (number, line) in prose(page) {
        let Some(text) = line.trim_start().strip_prefix('>') else {
            continue;
        };
        match quotations.last_mut() {
            Some((_, quotation)) if last + 1 == number => {
                quotation.push(' ');
                quotation.push_str(text.trim());
            }
            _ => quotations.push((number, text.trim().to_owned())),
        }
        last = number;
    }
    quotations
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# One `two`, three!\n\ntext [a](b.md) `[no](no.md)` [c](#d)\n\n```\n# no\n> no\n```\n\n> first line\n> goes on\n\n> second\n\n## Same\n## Same\n";

    #[test]
    fn finds_links_outside_of_code() {
        let found: Vec<_> = prose(PAGE).flat_map(|(_, line)| links(line)).collect();
        assert_eq!(found, ["b.md", "#d"]);
    }

    #[test]
    fn makes_anchors_as_github_does() {
        assert_eq!(anchors(PAGE), ["one-two-three", "same", "same-1"]);
    }

    #[test]
    fn joins_the_lines_of_a_quotation() {
        let expected = [(10, "first line goes on"), (13, "second")];
        let expected = expected.map(|(number, text)| (number, text.to_owned()));
        assert_eq!(quotations(PAGE), expected);
    }
}
