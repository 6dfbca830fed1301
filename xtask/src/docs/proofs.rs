//! The tests that a page names as proof.

use super::Pages;

/// Tests that no source has: what stands in backticks and reads as the name of a test.
pub(super) fn missing(page: &str, sources: &Pages) -> Vec<String> {
    named(page)
        .filter(|name| {
            let function = format!("fn {name}(");
            // The tests of mounts are functions of other names.
            let title = format!("\"{name}\"");
            let is_there = |text: &String| text.contains(&function) || text.contains(&title);
            !sources.values().any(is_there)
        })
        .map(|name| format!("there is no test {name}"))
        .collect()
}

fn named(page: &str) -> impl Iterator<Item = &str> {
    let quoted = page.split('`').skip(1).step_by(2);
    quoted.filter(|text| {
        let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        text.bytes().all(is_word) && text.matches('_').count() >= LEAST_WORDS
    })
}

/// Names of tests are sentences; fields and flags have fewer words.
const LEAST_WORDS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_no_source_has_is_named() {
        let page = "`a_pod_that_ends_leaves_nothing`, `a_b`, `no_such_test_is_there`, \
            `a_trial_of_the_mounts`";
        let sources = Pages::from([(
            "a.rs".into(),
            "fn a_pod_that_ends_leaves_nothing() {} trial(\"a_trial_of_the_mounts\", f)".to_owned(),
        )]);
        assert_eq!(
            missing(page, &sources),
            ["there is no test no_such_test_is_there"]
        );
    }
}
