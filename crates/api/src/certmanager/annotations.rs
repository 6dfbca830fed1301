//! The annotations of a stored request: the identity, and as much of the others as may matter.
//!
//! Anybody who may create requests can put up to 256 KiB of annotations on one, and issuers act on
//! some. So all of them are read but few are kept: for an identity request some entries and whether
//! there were more, for any other request none.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use crate::annotation::IDENTITY;
use crate::bounded::{Few, Text};

/// See [`super::StoredRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredAnnotations {
    /// The requested SPIFFE ID; a request without it is not an identity request.
    pub identity: Option<Text<MOST_IDENTITY>>,
    /// The others, in the object's order; none where there is no identity.
    pub others: Few<OtherAnnotation, { Self::MOST_OTHERS }>,
}

/// Key and value of an annotation that is not the identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OtherAnnotation {
    /// The key. Long enough for every key that the API server accepts.
    pub key: Text<MOST_KEY>,
    /// The value.
    pub value: Text<{ StoredAnnotations::MOST_VALUE }>,
}

impl StoredAnnotations {
    /// How many annotations besides the identity are kept per request. Requests of a driver have as
    /// many as the administrator lists, usually no more than a handful.
    pub const MOST_OTHERS: usize = 32;

    /// Bytes that are kept of the value of such an annotation: what an identity may have.
    pub const MOST_VALUE: usize = MOST_IDENTITY;
}

impl<'de> Deserialize<'de> for StoredAnnotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AnnotationsVisitor)
    }
}

struct AnnotationsVisitor;

impl<'de> Visitor<'de> for AnnotationsVisitor {
    type Value = StoredAnnotations;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of annotations")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut read = StoredAnnotations::default();
        while let Some(key) = entries.next_key::<Text<MOST_KEY>>()? {
            if key.whole() == Some(IDENTITY) {
                if read.identity.is_some() {
                    return Err(A::Error::duplicate_field(IDENTITY));
                }
                read.identity = entries.next_value()?;
            } else if read.others.kept.len() < StoredAnnotations::MOST_OTHERS {
                let value = entries.next_value::<Option<_>>()?.unwrap_or_default();
                read.others.kept.push(OtherAnnotation { key, value });
            } else {
                entries.next_value::<IgnoredAny>()?;
                read.others.is_cut = true;
            }
        }
        if read.identity.is_none() {
            read.others = Few::default();
        }
        Ok(read)
    }
}

/// A SPIFFE ID has at most 2,048 bytes.
const MOST_IDENTITY: usize = 4096;
/// A prefix of 253 bytes, a slash and a name of 63 are the most that the API server accepts.
const MOST_KEY: usize = 320;

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;

    fn read(annotations: Value) -> StoredAnnotations {
        serde_json::from_value(annotations).unwrap()
    }

    fn whole(annotations: &StoredAnnotations) -> Vec<(&str, Option<&str>)> {
        let others = annotations.others.kept.iter();
        others
            .map(|one| (one.key.whole().unwrap(), one.value.whole()))
            .collect()
    }

    #[test]
    fn the_others_are_kept_whatever_their_place_beside_the_identity() {
        let annotations = read(json!({"a": "1", IDENTITY: "spiffe://x/y", "z": "", "zz": null}));
        assert_eq!(
            annotations.identity.as_ref().unwrap().whole(),
            Some("spiffe://x/y")
        );
        assert_eq!(
            whole(&annotations),
            [("a", Some("1")), ("z", Some("")), ("zz", Some(""))]
        );
        assert!(!annotations.others.is_cut);
    }

    #[test]
    fn of_a_request_without_an_identity_nothing_is_kept() {
        for annotations in [
            json!({}),
            json!({"a": "b"}),
            json!({"a": "b", IDENTITY: null}),
            json!(
                (0..100)
                    .map(|at| (at.to_string(), json!("x")))
                    .collect::<Map<_, _>>()
            ),
        ] {
            assert_eq!(read(annotations), StoredAnnotations::default());
        }
    }

    #[test]
    fn what_is_beyond_the_limits_is_dropped_and_that_stays_known() {
        let with = |count: usize, length: usize| {
            let mut all: Map<_, _> = (0..count)
                .map(|at| (format!("a{at:06}"), json!("x".repeat(length))))
                .collect();
            all.insert(IDENTITY.to_owned(), json!("i"));
            read(Value::Object(all))
        };
        let most = StoredAnnotations::MOST_OTHERS;
        for (count, kept, is_cut) in [
            (most, most, false),
            (most + 1, most, true),
            (65_000, most, true),
        ] {
            let annotations = with(count, 0);
            assert_eq!(annotations.others.kept.len(), kept, "{count}");
            assert_eq!(annotations.others.is_cut, is_cut, "{count}");
            assert!(annotations.identity.is_some(), "{count}");
        }
        let most = StoredAnnotations::MOST_VALUE;
        for (length, is_whole) in [(most, true), (most + 1, false), (250_000, false)] {
            let annotations = with(1, length);
            let value = &annotations.others.kept[0].value;
            assert_eq!(value.whole().is_some(), is_whole, "{length}");
            assert!(value.beginning().len() <= most, "{length}");
        }
    }

    #[test]
    fn two_identities_are_refused() {
        let text = format!(r#"{{"{IDENTITY}": "a", "{IDENTITY}": "b"}}"#);
        assert!(serde_json::from_str::<StoredAnnotations>(&text).is_err());
    }
}
