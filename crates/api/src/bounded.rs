//! Reading untrusted input without keeping more of it than is useful.
//!
//! A text, list or map of any length is read to its end; whatever exceeds the limit is dropped
//! while reading. Whether something was dropped is recorded, so that a truncated text is never
//! mistaken for a complete one.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// The first `MOST` bytes of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Text<const MOST: usize> {
    kept: String,
    is_cut: bool,
}

impl<const MOST: usize> Text<MOST> {
    /// Truncates a text, between two characters.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let kept = text.get(..text.floor_char_boundary(MOST)).unwrap_or(text);
        Self {
            is_cut: kept.len() < text.len(),
            kept: kept.to_owned(),
        }
    }

    /// Accepts a text of our own, however long.
    #[must_use]
    pub fn uncut(text: String) -> Self {
        Self {
            kept: text,
            is_cut: false,
        }
    }

    /// The text, unless it was too long.
    #[must_use]
    pub fn whole(&self) -> Option<&str> {
        (!self.is_cut).then_some(self.kept.as_str())
    }

    /// What was kept: the text or its beginning.
    #[must_use]
    pub fn beginning(&self) -> &str {
        &self.kept
    }

    /// What was kept, as a `String`; for comparing with texts that are shorter than `MOST`.
    #[must_use]
    pub fn into_beginning(self) -> String {
        self.kept
    }
}

impl<'de, const MOST: usize> Deserialize<'de> for Text<MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor::<MOST>)
    }
}

impl<const MOST: usize> Serialize for Text<MOST> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.kept)
    }
}

struct TextVisitor<const MOST: usize>;

impl<const MOST: usize> Visitor<'_> for TextVisitor<MOST> {
    type Value = Text<MOST>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text::new(text))
    }
}

/// The first `MOST` elements of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Few<T, const MOST: usize> {
    /// What was kept.
    pub kept: Vec<T>,
    /// Whether there were more.
    pub is_cut: bool,
}

impl<T, const MOST: usize> Default for Few<T, MOST> {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            is_cut: false,
        }
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Few<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(FewVisitor(PhantomData))
    }
}

struct FewVisitor<T, const MOST: usize>(PhantomData<fn() -> T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for FewVisitor<T, MOST> {
    type Value = Few<T, MOST>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut few = Few::default();
        while few.kept.len() < MOST {
            match elements.next_element()? {
                Some(element) => few.kept.push(element),
                None => return Ok(few),
            }
        }
        while elements.next_element::<IgnoredAny>()?.is_some() {
            few.is_cut = true;
        }
        Ok(few)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_is_kept_up_to_its_limit_and_what_was_cut_is_never_whole() {
        for (text, whole, beginning) in [
            ("", Some(""), ""),
            ("abcd", Some("abcd"), "abcd"),
            ("abcde", None, "abcd"),
            ("abcü", None, "abc"),
            ("a\nb\"", Some("a\nb\""), "a\nb\""),
        ] {
            let read: Text<4> = serde_json::from_value(json!(text)).unwrap();
            assert_eq!(read.whole(), whole, "{text:?}");
            assert_eq!(read.beginning(), beginning, "{text:?}");
        }
        let long = serde_json::to_string(&"\n".repeat(1 << 20)).unwrap();
        let read: Text<4> = serde_json::from_str(&long).unwrap();
        assert!(read.whole().is_none() && read.kept.capacity() < 64);
    }

    #[test]
    fn a_list_is_kept_up_to_its_limit_and_read_to_its_end() {
        for (length, kept, is_cut) in [
            (0, 0, false),
            (3, 3, false),
            (4, 3, true),
            (1 << 20, 3, true),
        ] {
            let list = json!({"a": vec![0_u8; length], "b": 1});
            let read: std::collections::BTreeMap<String, serde_json::Value> =
                serde_json::from_value(list).unwrap();
            let few: Few<u8, 3> = serde_json::from_value(read["a"].clone()).unwrap();
            assert_eq!((few.kept.len(), few.is_cut), (kept, is_cut), "{length}");
        }
    }

    #[test]
    fn other_things_are_refused() {
        assert!(serde_json::from_str::<Text<4>>("7").is_err());
        assert!(serde_json::from_str::<Few<u8, 3>>("\"x\"").is_err());
        assert!(serde_json::from_str::<Few<u8, 3>>("[1, \"x\"]").is_err());
    }
}
