//! The counterpart of etcd and the watch cache: objects, one revision, history, watches.
//!
//! Owns every object of the cluster. Knows nothing of HTTP, users or the meaning of a type; its
//! caller has decided what is allowed. Invariant: a change, its revision, its place in the history
//! and its delivery to every watch happen under one lock, so that no watch misses or reorders one.

mod error;
mod history;
mod key;
pub(crate) mod meta;
mod selector;
mod state;
mod watch;

pub(crate) use self::error::StoreError;
pub use self::key::Key;
pub(crate) use self::selector::{FieldSelector, LabelSelector, Selector, SelectorError};
pub(crate) use self::state::Store;
pub(crate) use self::watch::{Audience, ChangeKind, Event, Start, Subscription};

#[cfg(test)]
mod tests;

/// An object as it is stored: immutable, shared between the store, its history and every watch.
pub type Object = std::sync::Arc<serde_json::Value>;
