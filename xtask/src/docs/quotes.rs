//! Quotations: the product prints every sentence that a page quotes, and the troubleshooting page
//! covers everything that somebody must act on.

use super::sentences::Sentences;
use super::{Pages, markdown};

/// Names every quotation of which a part is in no text of the product.
pub(super) fn unknown(pages: &Pages, sentences: &Sentences) -> Vec<String> {
    let mut violations = Vec::new();
    for (path, page) in pages {
        for (number, quotation) in markdown::quotations(page) {
            let fault = if is_empty(&quotation) {
                Some("quotes too little to be found".to_owned())
            } else {
                parts(&quotation)
                    .find(|part| !sentences.print(part))
                    .map(|part| format!("quotes {part:?}, which the product does not print"))
            };
            violations.extend(fault.map(|fault| format!("{}:{number}: {fault}", path.display())));
        }
    }
    violations
}

/// Names what the page lacks: a reason of an Event, or a refusal of the chart.
pub(super) fn missing(page: &str, sentences: &Sentences) -> Vec<String> {
    let reasons = sentences
        .reasons()
        .filter(|reason| !page.contains(&format!("`{reason}`")))
        .map(|reason| format!("the Event reason {reason} is missing"));
    let quoted: Vec<_> = markdown::quotations(page)
        .into_iter()
        .map(|(_, quotation)| quotation)
        .collect();
    let refusals = sentences
        .refusals()
        .filter(|refusal| {
            let start = refusal.split(['%', ':']).next().unwrap_or(refusal).trim();
            !quoted.iter().any(|quotation| quotation.starts_with(start))
        })
        .map(|refusal| format!("the chart's refusal {refusal:?} is missing"));
    reasons.chain(refusals).collect()
}

/// What is constant in a quotation: the parts between the marks of what varies.
fn parts(quotation: &str) -> impl Iterator<Item = &str> {
    let parts = quotation.split('…').map(str::trim);
    parts.filter(|part| !part.is_empty())
}

/// Whether it has no part that could only be a certain sentence.
fn is_empty(quotation: &str) -> bool {
    parts(quotation).all(|part| part.split_whitespace().count() < WORDS)
}

/// Fewer words are in some text or other.
const WORDS: usize = 2;

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    fn sentences() -> Sentences {
        let mut sentences = Sentences::default();
        let source = r#"
            Self::Denied => "CertificateRequestDenied",
            format!("the request is in namespace {found} but must be in {wanted}");
            // the old text that was here
            #[cfg(test)]
            mod tests {
                const X: &str = "only a test says so";
            }
        "#;
        sentences.add_source(Path::new("crates/node/src/events/mod.rs"), source);
        let template = r#"{{- fail "No issuer: set one." -}}
            {{- fail (printf "No image for the %s: set one." $role) -}}
            message: >-
              the spec of it
              cannot be changed"#;
        sentences.add_template(template);
        sentences
    }

    #[test]
    fn quotations_of_what_is_printed_pass() {
        for quotation in [
            "the request is in namespace … but must be in …",
            "the spec of it cannot be changed",
        ] {
            let page = format!("> {quotation}\n");
            let pages = [(PathBuf::from("a.md"), page)].into_iter().collect();
            assert_eq!(unknown(&pages, &sentences()), Vec::<String>::new());
        }
    }

    #[test]
    fn quotations_that_nothing_prints_are_named() {
        for quotation in [
            "the request is in namespace … and must be in …",
            "the old text that was here",
            "only a test says so",
            "wanted …",
            "…",
        ] {
            let page = format!("text\n\n> {quotation}\n");
            let pages = [(PathBuf::from("a.md"), page)].into_iter().collect();
            let found = unknown(&pages, &sentences());
            assert_eq!(found.len(), 1, "{quotation}: {found:?}");
            assert!(found[0].starts_with("a.md:3: "), "{found:?}");
        }
    }

    #[test]
    fn reasons_and_refusals_that_the_page_lacks_are_named() {
        let page = "`CertificateRequestDenied`\n\n> No issuer: set one.\n\n> No image for the …: set one.\n";
        assert_eq!(missing(page, &sentences()), Vec::<String>::new());
        assert_eq!(missing("", &sentences()).len(), 3);
    }
}
