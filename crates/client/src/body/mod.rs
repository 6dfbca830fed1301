//! Reading the API server's answers, with limits.
//!
//! Invariant: of untrusted content no more than [`MOST_OBJECT_BYTES`] is held per answer or stream,
//! and answers of more than [`SMALL_ANSWER_BYTES`] only a few at a time.

mod answer;
mod objects;
mod splitter;

pub(crate) use answer::{drain, whole};
pub(crate) use objects::{Objects, Raw};
pub(crate) use splitter::Shape;
#[cfg(feature = "testing")]
pub(crate) use splitter::{Cut, Splitter};

/// The largest object that is read, in bytes of JSON. The API server accepts at most 3 MiB in one
/// request and etcd stores 1.5 MiB by default, so a larger one exists only if etcd's limit was
/// raised. Doubled, twice as much is held while one is read.
pub(crate) const MOST_OBJECT_BYTES: usize = 4 * 1024 * 1024;
/// Answers up to this size are read without waiting for others.
const SMALL_ANSWER_BYTES: usize = 64 * 1024;
/// How many larger answers are held at once, per client.
pub(crate) const LARGE_ANSWERS: usize = 2;
