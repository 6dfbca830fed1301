//! Owns `--extra-certificate-request-annotations` of both roles and the approver's flag for earlier
//! values of it: maps as pflag reads them, and what an annotation may be.
//!
//! Must not know what the annotations are for. Invariant: the result is valid for the API server
//! and leaves our own annotations alone.

use std::collections::BTreeMap;

use svid_api::annotation;
use svid_core::names::check_subdomain;

use super::problem::{Problems, Wrong};

/// The flag with what drivers write.
pub(super) const EXTRA: &str = "--extra-certificate-request-annotations";

/// Reads every occurrence of a flag; later entries win. Annotations under our own prefix are
/// dropped with a warning, as the Go driver does.
pub(crate) fn parse(
    flag: &str,
    occurrences: &[String],
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> BTreeMap<String, String> {
    let mut annotations = BTreeMap::new();
    for text in occurrences.iter().filter(|text| !text.is_empty()) {
        let entries = problems.check(flag, text, entries);
        for entry in entries.unwrap_or_default() {
            let Some((key, value)) = entry.split_once('=') else {
                problems.add(flag, &entry, Wrong::new("has no =", FORM));
                continue;
            };
            if key.starts_with(annotation::PREFIX) {
                warnings.push(format!(
                    "{flag}: {key:?} is reserved for the driver itself and was ignored"
                ));
                continue;
            }
            if problems
                .check(flag, &entry, |_| qualified_name(key))
                .is_some()
            {
                annotations.insert(key.to_owned(), value.to_owned());
            }
        }
    }
    let size: usize = annotations
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if size > LARGEST {
        let wrong = Wrong::new(
            format!("is {size} bytes in all"),
            format!(
                "{LARGEST} bytes of keys and values (the API server accepts 256 KiB, our own \
                 included)"
            ),
        );
        problems.add_without_value(flag, wrong);
    }
    annotations
}

/// Splits one value of the flag into `KEY=VALUE` texts: with one `=` it is one entry, commas
/// included; with more it is one CSV record (pflag, `stringToString`).
fn entries(text: &str) -> Result<Vec<String>, Wrong> {
    match text.matches('=').count() {
        0 => Err(Wrong::new("has no =", FORM)),
        1 => Ok(vec![text.trim_matches('"').to_owned()]),
        _ => record(text),
    }
}

/// Reads one CSV record (RFC 4180).
fn record(text: &str) -> Result<Vec<String>, Wrong> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => plain_field(rest)?,
        };
        fields.push(field);
        match after {
            Some(after) => rest = after,
            None => return Ok(fields),
        }
    }
}

/// A field and, if a comma follows it, the rest after the comma.
type Field<'a> = (String, Option<&'a str>);

fn plain_field(text: &str) -> Result<Field<'_>, Wrong> {
    let (field, after) = match text.split_once(',') {
        Some((field, after)) => (field, Some(after)),
        None => (text, None),
    };
    if field.contains(['"', '\n', '\r']) {
        return Err(Wrong::new(
            "has a quote or a line break within an entry",
            FORM,
        ));
    }
    Ok((field.to_owned(), after))
}

/// Reads a quoted field whose first quote was already read; two quotes stand for one.
fn quoted_field(text: &str) -> Result<Field<'_>, Wrong> {
    let mut field = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('"') {
        field.push_str(before);
        match after.strip_prefix('"') {
            Some(after) => {
                field.push('"');
                rest = after;
            }
            None if after.is_empty() => return Ok((field, None)),
            None => {
                return match after.strip_prefix(',') {
                    Some(after) => Ok((field, Some(after))),
                    None => Err(Wrong::new("has text after a closing quote", FORM)),
                };
            }
        }
    }
    Err(Wrong::new("has an unclosed quote", FORM))
}

/// Checks the key of an annotation as the API server does, which ignores case.
fn qualified_name(key: &str) -> Result<(), Wrong> {
    let allowed = "a name of letters, digits, -, _ and . (63 bytes), with or without a DNS name and / before it";
    let name = match key.split_once('/') {
        Some((prefix, name)) => {
            check_subdomain(&prefix.to_ascii_lowercase())
                .map_err(|_inner| Wrong::new("has a prefix that is not a DNS name", allowed))?;
            name
        }
        None => key,
    };
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    let legal = name.len() <= 63
        && name.bytes().all(inner)
        && edge(name.bytes().next())
        && edge(name.bytes().next_back());
    if legal {
        Ok(())
    } else {
        Err(Wrong::new(
            "has a key that is not a valid annotation key",
            allowed,
        ))
    }
}

const FORM: &str = "KEY=VALUE,KEY=VALUE, with entries that contain a comma in double quotes";

/// Bytes of all keys and values: what Kubernetes allows, less room for our own annotation.
const LARGEST: usize = 256 * 1024 - 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(occurrences: &[&str]) -> (Vec<(String, String)>, Vec<String>, Vec<String>) {
        let occurrences: Vec<String> = occurrences.iter().map(ToString::to_string).collect();
        let (mut problems, mut warnings) = (Problems::default(), Vec::new());
        let annotations = parse(EXTRA, &occurrences, &mut problems, &mut warnings);
        let problems = problems.iter().map(ToString::to_string).collect();
        (annotations.into_iter().collect(), problems, warnings)
    }

    #[test]
    fn maps_are_read_as_pflag_reads_them() {
        type Entries = &'static [(&'static str, &'static str)];
        let table: &[(&[&str], Entries)] = &[
            (&[], &[]),
            (&[""], &[]),
            (&["a=b"], &[("a", "b")]),
            (&["a=b,c"], &[("a", "b,c")]),
            (&["\"a=b\""], &[("a", "b")]),
            (&["a="], &[("a", "")]),
            (&["a=b,c=d"], &[("a", "b"), ("c", "d")]),
            (&["a=b=c"], &[("a", "b=c")]),
            (&["a=b,a=c"], &[("a", "c")]),
            (&["\"a=b,x\",c=d"], &[("a", "b,x"), ("c", "d")]),
            (
                &["\"a=say \"\"hi\"\"\",c=d"],
                &[("a", "say \"hi\""), ("c", "d")],
            ),
            (&["a=b", "c=d,a=e"], &[("a", "e"), ("c", "d")]),
            (
                &["example.com/a=b,Example.com/B_c.d=e"],
                &[("Example.com/B_c.d", "e"), ("example.com/a", "b")],
            ),
        ];
        for (occurrences, expected) in table {
            let (annotations, problems, warnings) = parsed(occurrences);
            let expected: Vec<_> = expected
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect();
            assert_eq!(annotations, expected, "{occurrences:?}");
            assert!(
                problems.is_empty() && warnings.is_empty(),
                "{problems:?} {warnings:?}"
            );
        }
    }

    #[test]
    fn what_is_no_map_or_no_annotation_is_told() {
        for text in [
            "a",
            "a,b",
            "=b",
            "a=b,=c",
            "a=b,c=d,",
            "a=b,\"c=d",
            "a=b,\"c=d\"x",
            "a=b,c\"=d",
            "a/b/c=d",
            "/a=b",
            "a/=b",
            "-a=b",
            "a b=c",
            "ä=b",
            "a..b/c=d",
            "a=b,c=d\n",
        ] {
            assert_eq!(parsed(&[text]).1.len(), 1, "{text}: {:?}", parsed(&[text]));
        }
        let long = format!("{}=x", "k".repeat(64));
        assert_eq!(parsed(&[&long]).1.len(), 1);
        let large = format!("a={}", "x".repeat(300_000));
        assert_eq!(parsed(&[&large]).1.len(), 1);
    }

    #[test]
    fn our_own_annotations_are_dropped_with_a_warning() {
        let (annotations, problems, warnings) =
            parsed(&["spiffe.csi.cert-manager.io/identity=spiffe://evil/x,a=b"]);

        assert_eq!(annotations, [("a".to_owned(), "b".to_owned())]);
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(warnings.len(), 1);
    }
}
