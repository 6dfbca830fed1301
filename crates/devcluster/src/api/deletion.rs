//! DELETE: immediate, or the object is first marked and then removed once nothing holds it any
//! more.
//!
//! A pod that is bound to a node is only marked; the kubelet removes it once its volumes are gone.
//! A finalizer holds back anything. Whatever a removed object owned is removed with it.

use std::time::Duration;

use serde_json::Value;

use super::Problem;
use super::shared::Shared;
use crate::clock;
use crate::resource::{ALL, NAMESPACES, PODS, Scope};
use crate::store::{Key, Object, Selector, meta};

#[derive(Debug, Default)]
pub(crate) struct DeleteOptions {
    uid: Option<String>,
    revision: Option<String>,
    grace: Option<u64>,
}

impl DeleteOptions {
    /// The options in a body; the query's grace period takes precedence.
    pub(super) fn new(options: &Value, grace: Option<u64>) -> Self {
        let text = |pointer| options.pointer(pointer).and_then(Value::as_str);
        let given = options.get("gracePeriodSeconds").and_then(Value::as_u64);
        Self {
            uid: text("/preconditions/uid").map(str::to_owned),
            revision: text("/preconditions/resourceVersion").map(str::to_owned),
            grace: grace.or(given),
        }
    }

    /// Immediate removal, except for finalizers.
    pub(crate) fn now() -> Self {
        Self {
            grace: Some(0),
            ..Self::default()
        }
    }

    fn check(&self, key: &Key, object: &Value) -> Result<(), Problem> {
        let version = meta::text(object, "/metadata/resourceVersion");
        let same = |wanted: &Option<String>, have: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == have)
        };
        if same(&self.uid, meta::uid(object)) && same(&self.revision, version) {
            return Ok(());
        }
        Err(Problem::Conflict {
            key: key.clone(),
            why: "Precondition failed: UID or resourceVersion of the object is another".to_owned(),
        })
    }
}

/// What is left of the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// It is marked and waits for its kubelet or its finalizers.
    Terminating,
    Nothing,
}

pub(crate) fn begin(
    shared: &Shared,
    key: &Key,
    options: &DeleteOptions,
) -> Result<(Left, Object), Problem> {
    let present = shared.store.read(key);
    let present = present.ok_or_else(|| Problem::NotFound(key.clone()))?;
    let grace = grace(key, &present, options);
    if grace > 0 || meta::is_held(&present) {
        let now = shared.clock.now();
        let marked = shared.store.update(key, |current| {
            options.check(key, current)?;
            let mut next = current.clone();
            // A second deletion counts only if it leaves less time than the first.
            if seconds_left(current).is_none_or(|left| grace < left) {
                let ends = clock::after(now, Duration::from_secs(grace));
                let metadata = meta::metadata(&mut next);
                metadata.insert("deletionTimestamp".to_owned(), clock::seconds(ends).into());
                metadata.insert("deletionGracePeriodSeconds".to_owned(), grace.into());
            }
            Ok::<_, Problem>(next)
        })?;
        return Ok((Left::Terminating, marked));
    }
    if key.resource == &NAMESPACES {
        options.check(key, &present)?;
        empty_namespace(shared, &key.name);
    }
    let removed = shared
        .store
        .remove(key, |current| options.check(key, current))?;
    Ok((Left::Nothing, removed))
}

/// Removes an object that is marked and that nothing holds any more.
pub(crate) fn finish(shared: &Shared, key: &Key, object: &Value) {
    let marked = !meta::deletion(object).is_empty();
    let kept_by_kubelet = key.resource == &PODS && seconds_left(object) != Some(0);
    if marked && !meta::is_held(object) && !kept_by_kubelet {
        let uid = meta::uid(object).to_owned();
        let options = DeleteOptions {
            uid: Some(uid),
            ..DeleteOptions::now()
        };
        if let Err(problem) = begin(shared, key, &options) {
            tracing::debug!(%problem, %key, "object was gone before its deletion was finished");
        }
    }
}

fn grace(key: &Key, object: &Value, options: &DeleteOptions) -> u64 {
    let bound = !meta::text(object, "/spec/nodeName").is_empty();
    if key.resource != &PODS || !bound {
        return 0;
    }
    let own = object.pointer("/spec/terminationGracePeriodSeconds");
    options
        .grace
        .or_else(|| own.and_then(Value::as_u64))
        .unwrap_or(DEFAULT_GRACE)
}

/// `metadata.deletionGracePeriodSeconds` of an object that is marked.
fn seconds_left(object: &Value) -> Option<u64> {
    object
        .pointer("/metadata/deletionGracePeriodSeconds")
        .and_then(Value::as_u64)
}

fn empty_namespace(shared: &Shared, namespace: &str) {
    let namespaced = ALL.iter().filter(|row| row.scope == Scope::Namespaced);
    for resource in namespaced {
        let (objects, _) = shared
            .store
            .list(resource, Some(namespace), &Selector::default());
        for object in objects {
            let key = Key::new(resource, namespace, meta::name(&object));
            if let Err(problem) = begin(shared, &key, &DeleteOptions::now()) {
                tracing::debug!(%problem, %key, "object went while its namespace was emptied");
            }
        }
    }
}

/// The grace period of a pod that specifies none, in seconds.
const DEFAULT_GRACE: u64 = 30;
