//! Objects through an independent client: create, read, replace, patch, delete.

use std::collections::BTreeMap;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, ServiceAccount};
use kube::api::{
    Api, DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams, Preconditions,
};
use kube::{Client, Resource, ResourceExt};
use serde_json::json;
use svid_devcluster::Identity;

use crate::fixture::{administrator, cluster, token};
use crate::raw;

fn config_map(name: &str, value: &str) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        data: Some(BTreeMap::from([("key".to_owned(), value.to_owned())])),
        ..ConfigMap::default()
    }
}

fn maps(client: &Client) -> Api<ConfigMap> {
    Api::namespaced(client.clone(), "default")
}

fn code(error: kube::Error) -> (u16, String) {
    let kube::Error::Api(status) = error else {
        panic!("no API error: {error}")
    };
    (status.code, status.reason.clone())
}

#[tokio::test]
async fn a_created_object_is_completed_by_the_server() {
    let cluster = cluster().await;
    let maps = maps(&administrator(&cluster).await);
    let created = maps
        .create(&PostParams::default(), &config_map("x", "1"))
        .await
        .expect("created");
    assert!(created.uid().is_some_and(|uid| uid.len() == 36));
    assert!(created.meta().creation_timestamp.is_some());
    assert!(created.meta().resource_version.is_some());
    assert_eq!(created.meta().namespace.as_deref(), Some("default"));
    assert_eq!(maps.get("x").await.expect("read"), created);
    let again = maps
        .create(&PostParams::default(), &config_map("x", "2"))
        .await;
    assert_eq!(
        code(again.expect_err("taken")),
        (409, "AlreadyExists".to_owned())
    );
    cluster.shutdown().await;
}

#[tokio::test]
async fn generated_names_differ_and_keep_their_prefix() {
    let cluster = cluster().await;
    let maps = maps(&administrator(&cluster).await);
    let mut wanted = config_map("", "1");
    wanted.metadata.name = None;
    wanted.metadata.generate_name = Some("req-".to_owned());
    let mut names = Vec::new();
    for _ in 0..20 {
        let created = maps
            .create(&PostParams::default(), &wanted)
            .await
            .expect("created");
        names.push(created.metadata.name.expect("name"));
    }
    assert!(
        names
            .iter()
            .all(|name| name.starts_with("req-") && name.len() == 9),
        "{names:?}"
    );
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 20);
    cluster.shutdown().await;
}

#[tokio::test]
async fn an_object_needs_its_namespace_and_a_legal_name() {
    let cluster = cluster().await;
    let client = administrator(&cluster).await;
    let nowhere: Api<ConfigMap> = Api::namespaced(client.clone(), "nowhere");
    let refused = nowhere
        .create(&PostParams::default(), &config_map("x", "1"))
        .await;
    assert_eq!(
        code(refused.expect_err("no namespace")),
        (404, "NotFound".to_owned())
    );
    for name in ["Upper", "a_b", "-a", "a..b", "a b", &"a".repeat(254)] {
        let refused = maps(&client)
            .create(&PostParams::default(), &config_map(name, "1"))
            .await;
        assert_eq!(
            code(refused.expect_err(name)),
            (422, "Invalid".to_owned()),
            "{name}"
        );
    }
    cluster.shutdown().await;
}

#[tokio::test]
async fn of_two_writers_of_one_version_the_second_is_told_of_the_conflict() {
    let cluster = cluster().await;
    let maps = maps(&administrator(&cluster).await);
    let mut first = maps
        .create(&PostParams::default(), &config_map("x", "1"))
        .await
        .expect("created");
    let mut second = first.clone();
    first.data = config_map("x", "first").data;
    second.data = config_map("x", "second").data;
    maps.replace("x", &PostParams::default(), &first)
        .await
        .expect("replaced");
    let refused = maps.replace("x", &PostParams::default(), &second).await;
    assert_eq!(
        code(refused.expect_err("stale")),
        (409, "Conflict".to_owned())
    );

    let version = second.metadata.resource_version.clone();
    let patch = json!({"metadata": {"resourceVersion": version}, "data": {"key": "third"}});
    let refused = maps
        .patch("x", &PatchParams::default(), &Patch::Merge(&patch))
        .await;
    assert_eq!(
        code(refused.expect_err("stale")),
        (409, "Conflict".to_owned())
    );
    let patch = json!({"data": {"key": "third"}});
    let patched = maps
        .patch("x", &PatchParams::default(), &Patch::Merge(&patch))
        .await;
    assert_eq!(
        patched.expect("unbound").data,
        config_map("x", "third").data
    );
    cluster.shutdown().await;
}

#[tokio::test]
async fn patches_of_all_kinds_are_applied() {
    let cluster = cluster().await;
    let maps = maps(&administrator(&cluster).await);
    maps.create(&PostParams::default(), &config_map("x", "1"))
        .await
        .expect("created");
    let merge: Patch<serde_json::Value> = Patch::Merge(json!({"data": {"a": "1", "key": null}}));
    let merged = maps
        .patch("x", &PatchParams::default(), &merge)
        .await
        .expect("merge");
    assert_eq!(
        merged.data,
        Some(BTreeMap::from([("a".to_owned(), "1".to_owned())]))
    );
    let strategic: Patch<serde_json::Value> = Patch::Strategic(json!({"data": {"b": "2"}}));
    let merged = maps
        .patch("x", &PatchParams::default(), &strategic)
        .await
        .expect("strategic");
    assert_eq!(merged.data.map(|data| data.len()), Some(2));
    let admin = token(&cluster, &Identity::Administrator);
    let path = "/api/v1/namespaces/default/configmaps/x";
    let json_patch = |body: &'static str| {
        raw::send_as(
            &cluster,
            "PATCH",
            path,
            Some(&admin),
            "application/json-patch+json",
            body,
        )
    };
    let done = json_patch(
        r#"[{"op":"test","path":"/data/a","value":"1"},{"op":"remove","path":"/data/a"}]"#,
    );
    let done = done.await.expect("answer");
    assert_eq!((done.code, &done.body["data"]), (200, &json!({"b": "2"})));
    let failed = json_patch(r#"[{"op":"test","path":"/data/b","value":"9"}]"#)
        .await
        .expect("answer");
    assert_eq!(failed.code, 422);
    let apply = raw::send_as(
        &cluster,
        "PATCH",
        path,
        Some(&admin),
        "application/apply-patch+yaml",
        "{}",
    );
    assert_eq!(apply.await.expect("answer").code, 415);
    cluster.shutdown().await;
}

#[tokio::test]
async fn what_only_the_server_sets_stays_as_it_was() {
    let cluster = cluster().await;
    let maps = maps(&administrator(&cluster).await);
    let created = maps
        .create(&PostParams::default(), &config_map("x", "1"))
        .await
        .expect("created");
    let patch = json!({"metadata": {"creationTimestamp": "2001-01-01T00:00:00Z", "name": "x"}});
    let patched = maps
        .patch("x", &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .expect("patched");
    assert_eq!(patched, created, "and nothing was written at all");
    let patch = json!({"metadata": {"uid": "another"}});
    let refused = maps
        .patch("x", &PatchParams::default(), &Patch::Merge(&patch))
        .await;
    assert_eq!(
        code(refused.expect_err("uid")),
        (409, "Conflict".to_owned())
    );
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_delete_holds_to_its_preconditions() {
    let cluster = cluster().await;
    let maps = maps(&administrator(&cluster).await);
    maps.create(&PostParams::default(), &config_map("x", "1"))
        .await
        .expect("created");
    let with_uid = |uid: &str| DeleteParams {
        preconditions: Some(Preconditions {
            uid: Some(uid.to_owned()),
            resource_version: None,
        }),
        ..DeleteParams::default()
    };
    let refused = maps.delete("x", &with_uid("another")).await;
    assert_eq!(
        code(refused.expect_err("other uid")),
        (409, "Conflict".to_owned())
    );
    let uid = maps
        .get("x")
        .await
        .expect("still there")
        .uid()
        .expect("uid");
    maps.delete("x", &with_uid(&uid)).await.expect("deleted");
    let gone = maps.delete("x", &DeleteParams::default()).await;
    assert_eq!(
        code(gone.map(drop).expect_err("gone")),
        (404, "NotFound".to_owned())
    );
    cluster.shutdown().await;
}

#[tokio::test]
async fn lists_select_by_label_and_field() {
    let cluster = cluster().await;
    let client = administrator(&cluster).await;
    for (name, app) in [("x", "web"), ("y", "web"), ("z", "db")] {
        let mut map = config_map(name, "1");
        map.metadata.labels = Some(BTreeMap::from([("app".to_owned(), app.to_owned())]));
        maps(&client)
            .create(&PostParams::default(), &map)
            .await
            .expect(name);
    }
    let names = async |params: ListParams| -> Vec<String> {
        let found = Api::<ConfigMap>::all(client.clone())
            .list(&params)
            .await
            .expect("list");
        found
            .items
            .into_iter()
            .filter_map(|map| map.metadata.name)
            .collect()
    };
    assert_eq!(
        names(ListParams::default().labels("app=web")).await,
        ["x", "y"]
    );
    assert_eq!(
        names(ListParams::default().fields("metadata.name=z")).await,
        ["z"]
    );
    assert_eq!(
        names(ListParams::default().labels("app!=web").limit(1)).await,
        ["z"]
    );
    assert!(
        names(ListParams::default().fields("metadata.namespace=other"))
            .await
            .is_empty()
    );
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_pod_on_a_node_is_only_marked_until_its_kubelet_removes_it() {
    let cluster = cluster().await;
    let client = administrator(&cluster).await;
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {"name": "p"},
        "spec": {"nodeName": "node-1", "containers": [{"name": "c"}]},
        "status": {"phase": "Running"},
    }))
    .expect("pod");
    let created = pods
        .create(&PostParams::default(), &pod)
        .await
        .expect("created");
    assert_eq!(created.metadata.generation, Some(1));
    assert_eq!(
        created.status.and_then(|status| status.phase).as_deref(),
        Some("Pending")
    );
    assert_eq!(
        created
            .spec
            .and_then(|spec| spec.service_account_name)
            .as_deref(),
        Some("default")
    );
    pods.delete("p", &DeleteParams::default())
        .await
        .expect("marked");
    let marked = pods.get("p").await.expect("still there");
    assert!(marked.metadata.deletion_timestamp.is_some());
    assert_eq!(marked.metadata.deletion_grace_period_seconds, Some(30));
    pods.delete("p", &DeleteParams::default().grace_period(0))
        .await
        .expect("removed");
    assert!(pods.get_opt("p").await.expect("read").is_none());
    let mut stranger = pod;
    stranger.spec.as_mut().expect("spec").service_account_name = Some("nobody".to_owned());
    let refused = pods.create(&PostParams::default(), &stranger).await;
    assert_eq!(code(refused.expect_err("no service account")).0, 403);
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_finalizer_holds_an_object_until_it_is_taken_off() {
    let cluster = cluster().await;
    let maps = maps(&administrator(&cluster).await);
    let mut map = config_map("x", "1");
    map.metadata.finalizers = Some(vec!["test/hold".to_owned()]);
    maps.create(&PostParams::default(), &map)
        .await
        .expect("created");
    maps.delete("x", &DeleteParams::default())
        .await
        .expect("marked");
    assert!(
        maps.get("x")
            .await
            .expect("held")
            .metadata
            .deletion_timestamp
            .is_some()
    );
    let patch = json!({"metadata": {"finalizers": null}});
    maps.patch("x", &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .expect("patched");
    assert!(maps.get_opt("x").await.expect("read").is_none());
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_pod_that_its_kubelet_is_done_with_waits_for_its_finalizers_only() {
    let cluster = cluster().await;
    let pods: Api<Pod> = Api::namespaced(administrator(&cluster).await, "default");
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {"name": "p", "finalizers": ["test/hold"]},
        "spec": {"nodeName": "node-1", "containers": [{"name": "c"}]},
    }))
    .expect("pod");
    pods.create(&PostParams::default(), &pod)
        .await
        .expect("created");
    let release = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    for grace in [20, 0, 25] {
        let params = DeleteParams::default().grace_period(grace);
        pods.delete("p", &params).await.expect("marked");
    }
    let marked = pods.get("p").await.expect("held").metadata;
    assert_eq!(
        marked.deletion_grace_period_seconds,
        Some(0),
        "the least counts"
    );
    pods.patch("p", &PatchParams::default(), &release)
        .await
        .expect("patched");
    assert!(pods.get_opt("p").await.expect("read").is_none());
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_namespace_has_a_default_service_account_and_takes_its_objects_along() {
    let cluster = cluster().await;
    let client = administrator(&cluster).await;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), "new");
    let namespace: Namespace =
        serde_json::from_value(json!({"metadata": {"name": "new"}})).expect("ns");
    namespaces
        .create(&PostParams::default(), &namespace)
        .await
        .expect("created");
    assert!(accounts.get_opt("default").await.expect("read").is_some());
    namespaces
        .delete("new", &DeleteParams::default())
        .await
        .expect("deleted");
    assert!(accounts.get_opt("default").await.expect("read").is_none());
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_lease_is_taken_by_one_of_two_candidates() {
    let cluster = cluster().await;
    let client = crate::fixture::client(&cluster, &Identity::Approver).await;
    let leases: Api<Lease> = Api::namespaced(client, "cert-manager");
    let lease: Lease =
        serde_json::from_value(json!({"metadata": {"name": "l"}, "spec": {}})).expect("lease");
    let created = leases
        .create(&PostParams::default(), &lease)
        .await
        .expect("created");
    let candidate = |who: &str| {
        let mut lease = created.clone();
        lease.spec.get_or_insert_default().holder_identity = Some(who.to_owned());
        lease
    };
    leases
        .replace("l", &PostParams::default(), &candidate("one"))
        .await
        .expect("first");
    let second = leases
        .replace("l", &PostParams::default(), &candidate("two"))
        .await;
    assert_eq!(
        code(second.expect_err("late")),
        (409, "Conflict".to_owned())
    );
    let unbound = leases.replace("l", &PostParams::default(), &lease).await;
    assert_eq!(
        code(unbound.expect_err("no version")),
        (422, "Invalid".to_owned())
    );
    cluster.shutdown().await;
}

#[tokio::test]
async fn discovery_tells_kubectl_what_there_is() {
    let cluster = cluster().await;
    let client = administrator(&cluster).await;
    let discovery = kube::discovery::Discovery::new(client)
        .run()
        .await
        .expect("discovery");
    let requests = kube::core::GroupVersionKind::gvk("cert-manager.io", "v1", "CertificateRequest");
    let (resource, capabilities) = discovery.resolve_gvk(&requests).expect("found");
    assert_eq!(resource.plural, "certificaterequests");
    assert!(capabilities.supports_operation(kube::discovery::verbs::WATCH));
    assert!(
        capabilities
            .subresources
            .iter()
            .any(|(sub, _)| sub.plural == "certificaterequests/status" || sub.plural == "status")
    );
    for path in ["/healthz", "/readyz", "/livez"] {
        let answer = raw::send(&cluster, "GET", path, None, "")
            .await
            .expect("answer");
        assert_eq!(answer.code, 200, "{path}");
    }
    cluster.shutdown().await;
}
