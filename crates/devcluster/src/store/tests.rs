//! Revisions, replay, transitions and garbage collection.

use serde_json::{Value, json};

use super::*;
use crate::resource::{CERTIFICATE_REQUESTS, PODS};

fn pod(name: &str, node: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "a", "uid": format!("uid-{name}")}, "spec": {"nodeName": node}})
}

fn key(name: &str) -> Key {
    Key::new(&PODS, "a", name)
}

fn store_with(names: &[&str]) -> Store {
    let store = Store::new(100);
    for name in names {
        store.create(key(name), pod(name, "n")).expect(name);
    }
    store
}

fn watch(store: &Store, selector: Selector, start: Start) -> Result<Subscription, StoreError> {
    store.subscribe(&PODS, Some("a"), selector, start, Audience::Served)
}

fn set_node(store: &Store, name: &str, node: &str) {
    store
        .update(&key(name), |current| {
            let mut next = current.clone();
            meta::field(&mut next, "spec").insert("nodeName".to_owned(), node.into());
            Ok::<_, StoreError>(next)
        })
        .expect("update");
}

#[test]
fn every_change_has_the_next_revision_and_an_unchanged_object_keeps_its_own() {
    let store = store_with(&["x"]);
    let first = store.read(&key("x")).expect("x");
    assert_eq!(meta::revision(&first), Some(store.revision()));
    set_node(&store, "x", "n");
    assert_eq!(
        store.read(&key("x")),
        Some(first),
        "a no-op update writes nothing"
    );
    set_node(&store, "x", "m");
    let second = store.read(&key("x")).expect("x");
    assert_eq!(meta::revision(&second), Some(store.revision()));
}

#[test]
fn a_deleted_object_carries_the_revision_of_its_deletion() {
    let store = store_with(&["x"]);
    let mut watch = watch(&store, Selector::default(), Start::Live).expect("watch");
    store
        .remove(&key("x"), |_| Ok::<_, StoreError>(()))
        .expect("remove");
    let event = watch.ready().expect("event");
    assert_eq!(event.kind, ChangeKind::Deleted);
    assert_eq!(meta::revision(&event.object), Some(store.revision()));
}

#[test]
fn history_that_has_run_out_is_said_and_so_is_a_revision_of_the_future() {
    let store = Store::new(2);
    for name in ["x", "y", "z"] {
        store.create(key(name), pod(name, "n")).expect(name);
    }
    let start = |revision| watch(&store, Selector::default(), Start::After(revision));
    assert_eq!(start(1).err(), Some(StoreError::Compacted { oldest: 2 }));
    assert!(start(2).is_ok(), "the oldest revision that still reaches");
    let present = store.revision();
    assert!(start(present).is_ok());
    let asked = present + 1;
    assert_eq!(
        start(asked).err(),
        Some(StoreError::Future { asked, present })
    );
}

#[test]
fn after_a_compaction_not_even_the_latest_revision_can_be_watched_from() {
    let store = store_with(&["x"]);
    let latest = store.revision();
    store.compact();
    let start = |revision| watch(&store, Selector::default(), Start::After(revision));
    assert!(matches!(start(latest), Err(StoreError::Compacted { .. })));
    assert!(
        start(store.revision()).is_ok(),
        "a fresh list is good again"
    );
}

#[test]
fn a_store_that_is_set_back_has_what_it_had_and_counts_from_there() {
    let store = store_with(&["x", "y"]);
    let backup = store.revision();
    let x = store.read(&key("x")).expect("x");
    set_node(&store, "x", "m");
    store
        .remove(&key("y"), |_| Ok::<_, StoreError>(()))
        .expect("remove");
    store.create(key("z"), pod("z", "n")).expect("z");
    store.set_back(backup).expect("set back");
    assert_eq!(store.read(&key("x")), Some(x));
    assert!(store.read(&key("y")).is_some() && store.read(&key("z")).is_none());
    store.create(key("w"), pod("w", "n")).expect("w");
    assert_eq!(store.revision(), backup + 1);
    store.compact();
    assert!(store.set_back(backup).is_err());
}

#[tokio::test]
async fn a_cut_ends_watches_of_clients_and_no_others() {
    let store = store_with(&[]);
    let mut served = watch(&store, Selector::default(), Start::Live).expect("watch");
    let mut internal = store
        .subscribe(
            &PODS,
            None,
            Selector::default(),
            Start::Live,
            Audience::Internal,
        )
        .expect("watch");
    assert_eq!(store.cut_watches(), 1);
    assert!(served.next().await.is_none());
    store.create(key("x"), pod("x", "n")).expect("x");
    assert!(internal.next().await.is_some());
}

#[test]
fn what_only_a_removed_object_owned_goes_with_it() {
    let store = store_with(&["x", "y"]);
    let owned = |name: &str, owners: &[&str]| {
        let owners: Vec<Value> = owners.iter().map(|uid| json!({"uid": uid})).collect();
        let object = json!({"metadata": {
            "name": name, "namespace": "a", "uid": format!("uid-{name}"), "ownerReferences": owners,
        }});
        let key = Key::new(&CERTIFICATE_REQUESTS, "a", name);
        store.create(key, object).expect(name);
    };
    owned("of-x", &["uid-x"]);
    owned("of-both", &["uid-x", "uid-y"]);
    owned("of-of-x", &["uid-of-x"]);
    store
        .remove(&key("x"), |_| Ok::<_, StoreError>(()))
        .expect("remove");
    let (left, _) = store.list(&CERTIFICATE_REQUESTS, None, &Selector::default());
    let left: Vec<&str> = left.iter().map(|object| meta::name(object)).collect();
    assert_eq!(left, ["of-both"]);
}

#[test]
fn a_refused_change_changes_nothing() {
    #[derive(Debug)]
    enum Refusal {
        Store,
        Mine,
    }
    impl From<StoreError> for Refusal {
        fn from(_: StoreError) -> Self {
            Self::Store
        }
    }
    let store = store_with(&["x"]);
    let before = store.revision();
    let refused = store.update(&key("x"), |_| Err::<Value, _>(Refusal::Mine));
    assert!(matches!(refused, Err(Refusal::Mine)));
    let refused = store.remove(&key("none"), |_| Ok::<_, Refusal>(()));
    assert!(matches!(refused, Err(Refusal::Store)));
    assert_eq!(store.revision(), before);
}
