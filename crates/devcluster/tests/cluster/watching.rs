//! Watches that are disturbed, read by kube's own runtime and line by line.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use kube::api::{Api, WatchEvent, WatchParams};
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::json;
use svid_devcluster::{Cluster, Options, resource};

use crate::fixture::{LIMIT, administrator, cluster, cluster_with};

fn create(cluster: &Cluster, name: &str) -> String {
    let body = json!({"metadata": {"name": name}});
    let created = cluster
        .objects()
        .create(&resource::CONFIG_MAPS, "default", body)
        .expect(name);
    created["metadata"]["resourceVersion"]
        .as_str()
        .expect("version")
        .to_owned()
}

fn change(cluster: &Cluster, name: &str, value: &str) {
    let patch = json!({"data": {"key": value}});
    cluster
        .objects()
        .merge(&resource::CONFIG_MAPS, "default", name, &patch)
        .expect(name);
}

async fn maps(cluster: &Cluster) -> Api<ConfigMap> {
    Api::namespaced(administrator(cluster).await, "default")
}

fn describe(event: &WatchEvent<ConfigMap>) -> String {
    match event {
        WatchEvent::Modified(map) => format!("modified {}", map.name_any()),
        WatchEvent::Error(status) => format!("error {}", status.code),
        WatchEvent::Added(_) | WatchEvent::Deleted(_) | WatchEvent::Bookmark(_) => {
            format!("{event:?}")
        }
    }
}

/// The next events of a watch, so many of them.
async fn events(
    maps: &Api<ConfigMap>,
    params: &WatchParams,
    version: &str,
    count: usize,
) -> Vec<String> {
    let stream = maps.watch(params, version).await.expect("watch");
    let events = stream
        .take(count)
        .map_ok(|event| describe(&event))
        .try_collect();
    let events = tokio::time::timeout(LIMIT, events).await.expect("in time");
    events.expect("events")
}

#[tokio::test]
async fn a_version_that_history_no_longer_holds_is_410_in_the_stream() {
    let cluster = cluster_with(Options {
        history: 4,
        ..Options::default()
    })
    .await;
    let maps = maps(&cluster).await;
    let version = create(&cluster, "a");
    for value in 0..6 {
        change(&cluster, "a", &value.to_string());
    }
    let params = WatchParams::default();
    assert_eq!(events(&maps, &params, &version, 1).await, ["error 410"]);
    let fresh = create(&cluster, "b");
    cluster.faults().compact_history();
    assert_eq!(events(&maps, &params, &fresh, 1).await, ["error 410"]);
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_bookmark_lets_a_watch_go_on_behind_changes_that_it_did_not_see() {
    let cluster = cluster_with(Options {
        history: 3,
        bookmark_interval: Duration::from_millis(20),
        ..Options::default()
    })
    .await;
    let maps = maps(&cluster).await;
    let version = create(&cluster, "a");
    let params = WatchParams::default().fields("metadata.name=a");
    let mut stream = maps.watch(&params, &version).await.expect("watch").boxed();
    for name in ["b", "c", "d", "e"] {
        create(&cluster, name);
    }
    let marked = loop {
        let next = tokio::time::timeout(LIMIT, stream.try_next())
            .await
            .expect("in time");
        let Some(WatchEvent::Bookmark(mark)) = next.expect("event") else {
            continue;
        };
        let revision = mark.metadata.resource_version;
        if revision.parse::<u64>().expect("number") > version.parse::<u64>().expect("number") + 3 {
            break revision;
        }
    };
    drop(stream);
    change(&cluster, "a", "1");
    assert_eq!(events(&maps, &params, &version, 1).await, ["error 410"]);
    assert_eq!(events(&maps, &params, &marked, 1).await, ["modified a"]);
    cluster.shutdown().await;
}

/// Follows what kube's watcher says of one ConfigMap until its data is as wanted.
async fn follow(cluster: &Cluster, config: watcher::Config, disturb: impl Fn(&Cluster, usize)) {
    let maps = maps(cluster).await;
    create(cluster, "a");
    let stream = watcher(maps, config).default_backoff().applied_objects();
    let mut stream = stream.boxed();
    for round in 0..5 {
        let wanted = format!("round {round}");
        change(cluster, "a", &wanted);
        let seen = async {
            loop {
                // Errors of a disturbed watch are the watcher's to recover from.
                let Some(Ok(map)) = stream.next().await else {
                    continue;
                };
                let data = map.data.unwrap_or_default();
                if data.get("key") == Some(&wanted) {
                    break;
                }
            }
        };
        tokio::time::timeout(LIMIT, seen)
            .await
            .expect("the watcher keeps up");
        disturb(cluster, round);
    }
}

#[tokio::test]
async fn kubes_watcher_keeps_up_while_watches_are_cut() {
    let cluster = cluster().await;
    follow(&cluster, watcher::Config::default(), |cluster, _| {
        cluster.faults().cut_watches();
    })
    .await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn kubes_watcher_lists_anew_when_history_is_compacted() {
    let cluster = cluster().await;
    cluster.requests().clear();
    follow(&cluster, watcher::Config::default(), |cluster, _| {
        cluster.faults().compact_history();
        cluster.faults().cut_watches();
    })
    .await;
    assert!(cluster.requests().count("list", "configmaps") > 1);
    cluster.shutdown().await;
}

#[tokio::test]
async fn kubes_watcher_survives_watches_that_end_after_each_event_and_broken_connections() {
    let cluster = cluster().await;
    cluster.faults().cut_watches_after(Some(1));
    let config = watcher::Config::default().streaming_lists();
    cluster.faults().cut_watches_after(None);
    follow(&cluster, config, |cluster, round| {
        cluster
            .faults()
            .cut_watches_after((round % 2 == 0).then_some(1));
        cluster.faults().sever_connections();
    })
    .await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_watch_that_its_client_left_is_forgotten() {
    let cluster = cluster().await;
    let maps = maps(&cluster).await;
    create(&cluster, "a");
    let params = WatchParams::default();
    let mut stream = maps.watch(&params, "0").await.expect("watch").boxed();
    assert!(stream.try_next().await.expect("event").is_some());
    assert_eq!(cluster.open_watches(), 1);
    drop(stream);
    let gone = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        while cluster.open_watches() > 0 {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(LIMIT, gone).await.expect("forgotten");
    cluster.shutdown().await;
}
