//! The values in a SEQUENCE, where the parser knows no type for them.

use x509_parser::asn1_rs::{Any, DerParser, SequenceIterator, Tag};
use x509_parser::prelude::FromDer as _;

/// The content of a SEQUENCE behind which nothing stands.
pub(super) fn content(der: &[u8]) -> Option<&[u8]> {
    match Any::from_der(der) {
        Ok(([], value)) => content_of(&value),
        _ => None,
    }
}

/// The values in a content, up to one that is damaged.
pub(super) fn values(content: &[u8]) -> impl Iterator<Item = Option<Any<'_>>> {
    SequenceIterator::<Any<'_>, DerParser>::new(content).map(Result::ok)
}

/// The contents of the values in a content, each of which must be a SEQUENCE.
pub(super) fn sequences(content: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    values(content).map(|value| content_of(&value?))
}

fn content_of<'a>(value: &Any<'a>) -> Option<&'a [u8]> {
    value.tag().assert_eq(Tag::Sequence).ok()?;
    Some(value.data)
}
