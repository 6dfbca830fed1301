//! Watches: which client wants which changes, and how it sees each change.

use std::collections::VecDeque;

use serde_json::Value;
use tokio::sync::mpsc;

use super::history::Change;
use super::{Object, Selector, meta};
use crate::resource::Resource;

/// How a change looks to one watch: an object that comes to match its selector is `Added` to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    Added,
    Modified,
    Deleted,
}

/// One change as one watch sees it.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) kind: ChangeKind,
    /// The new object; for `Deleted` the last one, with the revision of the deletion.
    pub(crate) object: Object,
    pub(crate) revision: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// With the present objects as `Added`, then what follows.
    Present,
    /// With what follows now.
    Live,
    /// With what followed this revision.
    After(u64),
}

/// Whether a fault that cuts watches may cut this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// A client of the API.
    Served,
    /// The cluster's own issuer, kubelet or test; never cut.
    Internal,
}

#[derive(Clone, Debug)]
pub(crate) struct Cover {
    pub(super) resource: &'static Resource,
    pub(super) namespace: Option<String>,
    pub(super) selector: Selector,
}

impl Cover {
    pub(super) fn covers(&self, object: &Value) -> bool {
        self.namespace
            .as_ref()
            .is_none_or(|namespace| meta::namespace(object) == namespace)
            && self.selector.matches(object)
    }

    /// How this change looks from here, if it does at all.
    pub(super) fn view(&self, change: &Change) -> Option<Event> {
        if !std::ptr::eq(self.resource, change.key.resource) {
            return None;
        }
        let before = change.before.as_ref().filter(|object| self.covers(object));
        let now = change.now.as_ref().filter(|object| self.covers(object));
        let (kind, object) = match (before, now) {
            (None, None) => return None,
            (None, Some(now)) => (ChangeKind::Added, Object::clone(now)),
            (Some(_), Some(now)) => (ChangeKind::Modified, Object::clone(now)),
            (Some(before), None) => (ChangeKind::Deleted, at_revision(before, change.revision)),
        };
        Some(Event {
            kind,
            object,
            revision: change.revision,
        })
    }
}

/// The sending end, kept by the store.
#[derive(Debug)]
pub(super) struct Watcher {
    pub(super) cover: Cover,
    pub(super) audience: Audience,
    pub(super) sender: mpsc::UnboundedSender<Event>,
}

/// The receiving end. Events come in the order of their revisions, each exactly once.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(super) initial: VecDeque<Event>,
    /// The revision of the present at subscription; replay starts behind it for `Start::Present`.
    pub(super) revision: u64,
    pub(super) receiver: mpsc::UnboundedReceiver<Event>,
}

impl Subscription {
    /// The next event, or `None` once the watch was cut.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        match self.initial.pop_front() {
            Some(event) => Some(event),
            None => self.receiver.recv().await,
        }
    }

    /// An event that is already here, without waiting.
    pub(crate) fn ready(&mut self) -> Option<Event> {
        self.initial
            .pop_front()
            .or_else(|| self.receiver.try_recv().ok())
    }

    /// The store's revision when this watch began.
    pub(crate) fn began_at(&self) -> u64 {
        self.revision
    }
}

/// The object as it was, dated with this revision.
pub(super) fn at_revision(object: &Object, revision: u64) -> Object {
    let mut last = Value::clone(object);
    meta::metadata(&mut last).insert("resourceVersion".to_owned(), revision.to_string().into());
    Object::new(last)
}
