//! Watches, line by line.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use serde_json::json;

use crate::Contract;
use crate::namespace::{LIMIT, TestNamespace, config_map};

pub(crate) const CONTRACTS: &[Contract] = crate::named![
    a_watch_begins_behind_a_version,
    a_watch_from_version_0_begins_with_the_present,
    a_watch_of_one_name_sees_nothing_else,
    a_watch_by_label_sees_objects_come_and_go_by_their_labels,
    a_version_that_is_too_old_is_410_in_the_stream,
    a_watch_ends_by_its_timeout_and_bookmarks_come_to_those_who_ask,
];

fn params() -> WatchParams {
    WatchParams::default().labels("of=contract")
}

fn describe(event: &WatchEvent<ConfigMap>) -> String {
    match event {
        WatchEvent::Added(map) => format!("added {}", map.name_any()),
        WatchEvent::Modified(map) => format!("modified {}", map.name_any()),
        WatchEvent::Deleted(map) => format!("deleted {}", map.name_any()),
        WatchEvent::Bookmark(_) => "bookmark".to_owned(),
        WatchEvent::Error(status) => format!("error {}", status.code),
    }
}

/// The next events of a watch, at most this many.
async fn events(
    room: &TestNamespace,
    params: &WatchParams,
    version: &str,
    count: usize,
) -> Vec<String> {
    let maps = room.maps();
    let stream = maps.watch(params, version).await.expect("watch");
    let events = stream
        .take(count)
        .map_ok(|event| describe(&event))
        .try_collect();
    let events = tokio::time::timeout(LIMIT, events).await;
    events.expect("in time").expect("events")
}

async fn merge(room: &TestNamespace, name: &str, patch: serde_json::Value) {
    let patched = room
        .maps()
        .patch(name, &PatchParams::default(), &Patch::Merge(patch))
        .await;
    patched.expect(name);
}

async fn change(room: &TestNamespace, name: &str, value: &str) {
    merge(room, name, json!({"data": {"key": value}})).await;
}

async fn delete(room: &TestNamespace, name: &str) {
    let deleted = room.maps().delete(name, &DeleteParams::default()).await;
    deleted.expect(name);
}

async fn a_watch_begins_behind_a_version(room: TestNamespace) {
    room.map("a").await;
    let version = room.map("b").await.resource_version().expect("version");
    change(&room, "a", "2").await;
    delete(&room, "b").await;
    let since = events(&room, &params(), &version, 2).await;
    assert_eq!(since, ["modified a", "deleted b"]);
}

async fn a_watch_from_version_0_begins_with_the_present(room: TestNamespace) {
    room.map("a").await;
    assert_eq!(events(&room, &params(), "0", 1).await, ["added a"]);
}

async fn a_watch_of_one_name_sees_nothing_else(room: TestNamespace) {
    let version = room.map("a").await.resource_version().expect("version");
    room.map("b").await;
    change(&room, "b", "2").await;
    change(&room, "a", "2").await;
    delete(&room, "a").await;
    let one = WatchParams::default().fields("metadata.name=a");
    assert_eq!(
        events(&room, &one, &version, 2).await,
        ["modified a", "deleted a"]
    );
}

async fn a_watch_by_label_sees_objects_come_and_go_by_their_labels(room: TestNamespace) {
    let version = room.map("a").await.resource_version().expect("version");
    merge(
        &room,
        "a",
        json!({"metadata": {"labels": {"of": "others"}}}),
    )
    .await;
    change(&room, "a", "2").await;
    merge(
        &room,
        "a",
        json!({"metadata": {"labels": {"of": "contract"}}}),
    )
    .await;
    assert_eq!(
        events(&room, &params(), &version, 2).await,
        ["deleted a", "added a"]
    );
}

/// The first version of all, which every server forgets some minutes after its start.
async fn a_version_that_is_too_old_is_410_in_the_stream(room: TestNamespace) {
    room.map("a").await;
    assert_eq!(events(&room, &params(), "1", 1).await, ["error 410"]);
}

async fn a_watch_ends_by_its_timeout_and_bookmarks_come_to_those_who_ask(room: TestNamespace) {
    let version = room.map("a").await.resource_version().expect("version");
    let mute = WatchParams {
        bookmarks: false,
        ..params().timeout(1)
    };
    assert!(events(&room, &mute, &version, 1).await.is_empty());
    // A real server sends one two seconds before the end, and about every minute.
    let maps = room.maps();
    let marked = WatchParams {
        bookmarks: true,
        ..params().timeout(4)
    };
    let stream = maps.watch(&marked, &version).await.expect("watch");
    let mut unseen = config_map("unseen", "1");
    unseen.metadata.labels = None;
    let unseen = maps.create(&PostParams::default(), &unseen).await;
    let unseen = unseen.expect("unseen").resource_version();
    let first = tokio::time::timeout(Duration::from_secs(10), stream.take(1).try_collect());
    let first: Vec<WatchEvent<ConfigMap>> = first.await.expect("in time").expect("events");
    let [WatchEvent::Bookmark(mark)] = first.as_slice() else {
        panic!("no bookmark: {first:?}")
    };
    let number = |version: &str| version.parse::<u64>().expect("a number");
    let marked = number(&mark.metadata.resource_version);
    assert!(marked >= number(&unseen.expect("version")), "{marked}");
    change(&room, "a", "2").await;
    let behind = events(&room, &params(), &mark.metadata.resource_version, 1).await;
    assert_eq!(behind, ["modified a"]);
}
