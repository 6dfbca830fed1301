//! The store itself: one lock around objects, revision, history and watches.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::mpsc;

use super::history::{Change, History};
use super::watch::{Cover, Watcher, at_revision};
use super::{
    Audience, ChangeKind, Event, Key, Object, Selector, Start, StoreError, Subscription, meta,
};
use crate::resource::Resource;

#[derive(Debug)]
pub(crate) struct Store {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    revision: u64,
    objects: BTreeMap<Key, Object>,
    history: History,
    watchers: Vec<Watcher>,
}

impl Store {
    /// An empty store that remembers this many changes for watches to be replayed from.
    pub(crate) fn new(history: usize) -> Self {
        Self {
            state: Mutex::new(State {
                revision: 1,
                objects: BTreeMap::new(),
                history: History::new(history),
                watchers: Vec::new(),
            }),
        }
    }

    pub(crate) fn revision(&self) -> u64 {
        self.lock().revision
    }

    /// One object, if it is there.
    pub(crate) fn read(&self, key: &Key) -> Option<Object> {
        self.lock().objects.get(key).cloned()
    }

    /// Every selected object of a type, and the revision at which this was so.
    pub(crate) fn list(
        &self,
        resource: &'static Resource,
        namespace: Option<&str>,
        selector: &Selector,
    ) -> (Vec<Object>, u64) {
        let cover = cover(resource, namespace, selector.clone());
        let state = self.lock();
        (state.covered(&cover), state.revision)
    }

    /// Every selected object of a type as it was at an earlier revision.
    pub(crate) fn list_at(
        &self,
        resource: &'static Resource,
        namespace: Option<&str>,
        selector: &Selector,
        revision: u64,
    ) -> Result<Vec<Object>, StoreError> {
        let cover = cover(resource, namespace, selector.clone());
        let state = self.lock();
        let mut objects: BTreeMap<&Key, &Object> = state.of(resource).collect();
        let since: Vec<&Change> = state.history.after(revision)?.collect();
        let undone = since.into_iter().rev();
        for change in undone.filter(|change| std::ptr::eq(change.key.resource, resource)) {
            match &change.before {
                Some(before) => objects.insert(&change.key, before),
                None => objects.remove(&change.key),
            };
        }
        let covered = objects.into_values().filter(|object| cover.covers(object));
        Ok(covered.map(Object::clone).collect())
    }

    pub(crate) fn create(&self, key: Key, object: Value) -> Result<Object, StoreError> {
        let mut state = self.lock();
        if state.objects.contains_key(&key) {
            return Err(StoreError::AlreadyExists(key));
        }
        Ok(state.put(key, object))
    }

    /// Replaces an object by what `change` makes of it. Nothing happens if that is the same, and
    /// nothing else happens to the object in between.
    pub(crate) fn update<E: From<StoreError>>(
        &self,
        key: &Key,
        change: impl FnOnce(&Value) -> Result<Value, E>,
    ) -> Result<Object, E> {
        let mut state = self.lock();
        let present = state.present(key)?;
        let next = change(&present)?;
        if next == *present {
            return Ok(present);
        }
        Ok(state.put(key.clone(), next))
    }

    /// Removes an object if `check` agrees, and then whatever only it and removed objects owned.
    pub(crate) fn remove<E: From<StoreError>>(
        &self,
        key: &Key,
        check: impl FnOnce(&Value) -> Result<(), E>,
    ) -> Result<Object, E> {
        let mut state = self.lock();
        check(&*state.present(key)?)?;
        let removed = state.take(key)?;
        state.collect_orphans(meta::uid(&removed));
        Ok(removed)
    }

    pub(crate) fn subscribe(
        &self,
        resource: &'static Resource,
        namespace: Option<&str>,
        selector: Selector,
        start: Start,
        audience: Audience,
    ) -> Result<Subscription, StoreError> {
        let cover = cover(resource, namespace, selector);
        let mut state = self.lock();
        let initial = match start {
            Start::Present => state
                .covered(&cover)
                .into_iter()
                .map(|object| Event {
                    kind: ChangeKind::Added,
                    revision: meta::revision(&object).unwrap_or_default(),
                    object,
                })
                .collect(),
            Start::Live => std::collections::VecDeque::new(),
            Start::After(asked) if asked > state.revision => {
                let present = state.revision;
                return Err(StoreError::Future { asked, present });
            }
            Start::After(asked) => state
                .history
                .after(asked)?
                .filter_map(|change| cover.view(change))
                .collect(),
        };
        let (sender, receiver) = mpsc::unbounded_channel();
        state.watchers.push(Watcher {
            cover,
            audience,
            sender,
        });
        Ok(Subscription {
            initial,
            revision: state.revision,
            receiver,
        })
    }

    /// Ends every watch of a client of the API; what was under way still arrives.
    pub(crate) fn cut_watches(&self) -> usize {
        let mut state = self.lock();
        let before = state.watchers.len();
        state
            .watchers
            .retain(|watcher| watcher.audience == Audience::Internal);
        before - state.watchers.len()
    }

    /// Forgets the history, so that a watch from any earlier revision is answered with 410.
    pub(crate) fn compact(&self) {
        let mut state = self.lock();
        // A revision of its own, so that even the latest version anybody holds is too old.
        state.revision += 1;
        let revision = state.revision;
        state.history.compact(revision);
    }

    /// Takes back every change after this revision, and the count of revisions with them, as the
    /// restore of a backup does. No watch hears of it.
    pub(crate) fn set_back(&self, revision: u64) -> Result<(), StoreError> {
        let mut state = self.lock();
        drop(state.history.after(revision)?);
        while let Some(Change { key, before, .. }) = state.history.pop_after(revision) {
            match before {
                Some(before) => state.objects.insert(key, before),
                None => state.objects.remove(&key),
            };
        }
        state.revision = state.revision.min(revision);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn present(&self, key: &Key) -> Result<Object, StoreError> {
        let object = self.objects.get(key).cloned();
        object.ok_or_else(|| StoreError::NotFound(key.clone()))
    }

    fn covered(&self, cover: &Cover) -> Vec<Object> {
        self.of(cover.resource)
            .filter(|(_, object)| cover.covers(object))
            .map(|(_, object)| Object::clone(object))
            .collect()
    }

    /// Everything of a type.
    fn of(&self, resource: &'static Resource) -> impl Iterator<Item = (&Key, &Object)> {
        self.objects
            .range(Key::new(resource, "", "")..)
            .take_while(move |(key, _)| std::ptr::eq(key.resource, resource))
    }

    fn put(&mut self, key: Key, object: Value) -> Object {
        self.revision += 1;
        let now = at_revision(&Object::new(object), self.revision);
        let before = self.objects.insert(key.clone(), Object::clone(&now));
        self.announce(key, before, Some(Object::clone(&now)));
        now
    }

    fn take(&mut self, key: &Key) -> Result<Object, StoreError> {
        let removed = self.present(key)?;
        self.objects.remove(key);
        self.revision += 1;
        self.announce(key.clone(), Some(Object::clone(&removed)), None);
        Ok(at_revision(&removed, self.revision))
    }

    fn announce(&mut self, key: Key, before: Option<Object>, now: Option<Object>) {
        let change = Change {
            revision: self.revision,
            key,
            before,
            now,
        };
        self.watchers
            .retain(|watcher| match watcher.cover.view(&change) {
                Some(event) => watcher.sender.send(event).is_ok(),
                None => !watcher.sender.is_closed(),
            });
        self.history.push(change);
    }

    /// What a garbage collector does in the background happens here at once.
    fn collect_orphans(&mut self, uid: &str) {
        let mut gone = vec![uid.to_owned()];
        while let Some(uid) = gone.pop() {
            if uid.is_empty() {
                continue;
            }
            for key in self.orphans_of(&uid) {
                if let Ok(removed) = self.take(&key) {
                    gone.push(meta::uid(&removed).to_owned());
                }
            }
        }
    }

    fn orphans_of(&self, uid: &str) -> Vec<Key> {
        let alive = |owner: &str| {
            owner != uid
                && self
                    .objects
                    .values()
                    .any(|object| meta::uid(object) == owner)
        };
        self.objects
            .iter()
            .filter(|(_, object)| meta::owners(object).any(|owner| owner == uid))
            .filter(|(_, object)| !meta::owners(object).any(alive) && !meta::is_held(object))
            .map(|(key, _)| key.clone())
            .collect()
    }
}

fn cover(resource: &'static Resource, namespace: Option<&str>, selector: Selector) -> Cover {
    Cover {
        resource,
        namespace: namespace.map(str::to_owned),
        selector,
    }
}
