//! Objects: create, replace, delete.

use futures::FutureExt;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Client, Resource, ResourceExt};
use serde_json::{Value, json};

use crate::Contract;
use crate::namespace::{TestNamespace, code, config_map, refusal, send_as, until};

pub(crate) const CONTRACTS: &[Contract] = crate::named![
    a_created_object_is_completed_by_the_server,
    generated_names_differ_and_keep_their_prefix,
    an_object_needs_its_namespace_and_a_legal_name,
    of_two_writers_of_one_version_the_second_gets_a_conflict,
    what_only_the_server_sets_stays_as_it_was,
    a_delete_holds_to_its_preconditions,
    a_finalizer_holds_an_object_until_it_is_taken_off,
    a_namespace_has_a_default_service_account_and_takes_its_objects_along,
    a_namespace_that_is_going_takes_nothing_new,
    a_lease_is_taken_by_one_of_two_candidates,
    discovery_tells_kubectl_what_there_is,
    what_is_not_served_is_refused_by_its_own_code,
    bodies_that_make_no_sense_are_refused,
];

async fn a_created_object_is_completed_by_the_server(room: TestNamespace) {
    let created = room.map("x").await;
    assert!(created.uid().is_some_and(|uid| uid.len() == 36));
    assert!(created.meta().creation_timestamp.is_some());
    assert!(created.meta().resource_version.is_some());
    assert_eq!(created.meta().namespace, Some(room.namespace.clone()));
    assert_eq!(room.maps().get("x").await.expect("read"), created);
    let params = PostParams::default();
    let again = room.maps().create(&params, &config_map("x", "2")).await;
    assert_eq!(refusal(again), (409, "AlreadyExists".to_owned()));
}

async fn generated_names_differ_and_keep_their_prefix(room: TestNamespace) {
    let mut wanted = config_map("", "1");
    wanted.metadata.name = None;
    wanted.metadata.generate_name = Some("req-".to_owned());
    let mut names = Vec::new();
    for _ in 0..20 {
        let created = room.maps().create(&PostParams::default(), &wanted).await;
        names.push(created.expect("created").metadata.name.expect("name"));
    }
    let legal = |name: &String| name.starts_with("req-") && name.len() == 9;
    assert!(names.iter().all(legal), "{names:?}");
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 20);
}

async fn an_object_needs_its_namespace_and_a_legal_name(room: TestNamespace) {
    let params = PostParams::default();
    let nowhere = Api::namespaced(room.administrator(), &format!("{}-not", room.namespace));
    let refused = nowhere.create(&params, &config_map("x", "1")).await;
    assert_eq!(refusal(refused), (404, "NotFound".to_owned()));
    for name in ["Upper", "a_b", "-a", "a..b", "a b", &"a".repeat(254)] {
        let refused = room.maps().create(&params, &config_map(name, "1")).await;
        assert_eq!(refusal(refused), (422, "Invalid".to_owned()), "{name}");
    }
}

async fn of_two_writers_of_one_version_the_second_gets_a_conflict(room: TestNamespace) {
    let maps = room.maps();
    let mut first = room.map("x").await;
    let mut second = first.clone();
    first.data = config_map("x", "first").data;
    second.data = config_map("x", "second").data;
    let replaced = maps.replace("x", &PostParams::default(), &first).await;
    replaced.expect("replaced");
    let refused = maps.replace("x", &PostParams::default(), &second).await;
    assert_eq!(refusal(refused), (409, "Conflict".to_owned()));

    let params = PatchParams::default();
    let version = second.metadata.resource_version.clone();
    let patch = json!({"metadata": {"resourceVersion": version}, "data": {"key": "third"}});
    let refused = maps.patch("x", &params, &Patch::Merge(&patch)).await;
    assert_eq!(refusal(refused), (409, "Conflict".to_owned()));
    let patch = json!({"data": {"key": "third"}});
    let patched = maps.patch("x", &params, &Patch::Merge(&patch)).await;
    let data = patched.expect("bound to no version").data;
    assert_eq!(data, config_map("x", "third").data);
}

async fn what_only_the_server_sets_stays_as_it_was(room: TestNamespace) {
    let maps = room.maps();
    let mut created = room.map("x").await;
    let params = PatchParams::default();
    let patch = json!({"metadata": {"creationTimestamp": "2001-01-01T00:00:00Z", "name": "x"}});
    let patched = maps.patch("x", &params, &Patch::Merge(&patch)).await;
    let patched = patched.expect("patched");
    assert_eq!(
        patched.resource_version(),
        created.resource_version(),
        "nothing was written"
    );
    let patch = json!({"metadata": {"uid": "another"}});
    let refused = maps.patch("x", &params, &Patch::Merge(&patch)).await;
    assert_eq!(
        refusal(refused),
        (422, "Invalid".to_owned()),
        "in a patch it is a change"
    );
    created.metadata.uid = Some("another".to_owned());
    let refused = maps.replace("x", &PostParams::default(), &created).await;
    assert_eq!(
        refusal(refused),
        (409, "Conflict".to_owned()),
        "in a PUT it is a precondition"
    );
}

async fn a_delete_holds_to_its_preconditions(room: TestNamespace) {
    let maps = room.maps();
    let uid = room.map("x").await.uid().expect("uid");
    let with_uid = |uid: &str| DeleteParams {
        preconditions: Some(Preconditions {
            uid: Some(uid.to_owned()),
            resource_version: None,
        }),
        ..DeleteParams::default()
    };
    let refused = maps.delete("x", &with_uid("another")).await;
    assert_eq!(refusal(refused), (409, "Conflict".to_owned()));
    maps.delete("x", &with_uid(&uid)).await.expect("deleted");
    let gone = maps.delete("x", &DeleteParams::default()).await;
    assert_eq!(refusal(gone), (404, "NotFound".to_owned()));
}

async fn a_finalizer_holds_an_object_until_it_is_taken_off(room: TestNamespace) {
    let maps = room.maps();
    let mut map = config_map("x", "1");
    map.metadata.finalizers = Some(vec!["example.org/hold".to_owned()]);
    maps.create(&PostParams::default(), &map)
        .await
        .expect("created");
    maps.delete("x", &DeleteParams::default())
        .await
        .expect("marked");
    let held = maps.get("x").await.expect("held");
    assert!(held.metadata.deletion_timestamp.is_some());
    let patch = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    let patched = maps.patch("x", &PatchParams::default(), &patch).await;
    patched.expect("patched");
    assert!(maps.get_opt("x").await.expect("read").is_none());
}

async fn a_namespace_has_a_default_service_account_and_takes_its_objects_along(
    room: TestNamespace,
) {
    // Opening it has waited for its default service account.
    let other = room.beside(json!({})).await;
    other.map("x").await;
    other.close().await;
    until("the objects are gone", || {
        async {
            let left = other.maps().get_opt("x").await;
            left.expect("read").is_none()
        }
        .boxed()
    })
    .await;
}

async fn a_namespace_that_is_going_takes_nothing_new(room: TestNamespace) {
    let other = room.beside(json!({})).await;
    let path = format!("/api/v1/namespaces/{}", other.namespace);
    let hold = json!({"metadata": {"finalizers": ["example.org/hold"]}});
    let held = room.admin("PATCH", &path, &hold).await;
    held.expect("held");
    other.close().await;
    // The admission plugin that refuses learns of it a moment later.
    until("creates are refused", || {
        async {
            let params = PostParams::default();
            let late = other.maps().create(&params, &config_map("late", "1")).await;
            matches!(late, Err(kube::Error::Api(status)) if status.code == 403)
        }
        .boxed()
    })
    .await;
    let free = json!({"metadata": {"finalizers": null}});
    let freed = room.admin("PATCH", &path, &free).await;
    freed.expect("freed");
}

async fn a_lease_is_taken_by_one_of_two_candidates(room: TestNamespace) {
    let leases: Api<Lease> = Api::namespaced(room.administrator(), &room.namespace);
    let lease: Lease =
        serde_json::from_value(json!({"metadata": {"name": "l"}, "spec": {}})).expect("lease");
    let params = PostParams::default();
    let created = leases.create(&params, &lease).await.expect("created");
    let candidate = |who: &str| {
        let mut lease = created.clone();
        lease.spec.get_or_insert_default().holder_identity = Some(who.to_owned());
        lease
    };
    leases
        .replace("l", &params, &candidate("one"))
        .await
        .expect("first");
    let second = leases.replace("l", &params, &candidate("two")).await;
    assert_eq!(refusal(second), (409, "Conflict".to_owned()));
    let unbound = leases.replace("l", &params, &lease).await;
    assert_eq!(refusal(unbound), (422, "Invalid".to_owned()));
}

async fn discovery_tells_kubectl_what_there_is(room: TestNamespace) {
    let client: Client = room.administrator();
    let version = kube::core::GroupVersion::gv("cert-manager.io", "v1");
    let found = kube::discovery::pinned_group(&client, &version).await;
    let group = found.expect("group");
    let (resource, capabilities) = group
        .versioned_resources("v1")
        .into_iter()
        .find(|(resource, _)| resource.kind == "CertificateRequest")
        .expect("resource");
    assert_eq!(resource.plural, "certificaterequests");
    assert!(capabilities.supports_operation(kube::discovery::verbs::WATCH));
    let is_status = |plural: &str| plural == "certificaterequests/status" || plural == "status";
    let mut subresources = capabilities.subresources.iter();
    assert!(subresources.any(|(resource, _)| is_status(&resource.plural)));
    let version = room
        .admin("GET", "/version", &Value::Null)
        .await
        .expect("version");
    assert_eq!(version["major"], "1");
}

async fn what_is_not_served_is_refused_by_its_own_code(room: TestNamespace) {
    room.map("x").await;
    let maps = room.path("", "configmaps");
    let one = format!("{maps}/x");
    let nothing = room.path("", "nothings");
    let nobody = room.path("nobody.example", "things");
    let json = "application/json";
    for (method, path, kind, expected) in [
        ("GET", &nothing, json, 404),
        ("GET", &nobody, json, 404),
        ("POST", &one, json, 405),
        ("PUT", &maps, json, 405),
        ("POST", &maps, "text/plain", 415),
        ("PATCH", &one, json, 415),
    ] {
        let body = if method == "GET" { "" } else { "{}" };
        let refused = send_as(&room.administrator(), method, path, kind, body).await;
        assert_eq!(code(refused), expected, "{method} {path} {kind}");
    }
}

async fn bodies_that_make_no_sense_are_refused(room: TestNamespace) {
    let path = room.path("", "configmaps");
    let deep = "[".repeat(10_000);
    let other = r#"{"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "x"}}"#;
    for body in [
        "null",
        "[]",
        "{",
        "\"x\"",
        &deep,
        r#"{"metadata":7}"#,
        r#"{"metadata":{"name":["x"]}}"#,
        other,
    ] {
        let client = room.administrator();
        let refused = send_as(&client, "POST", &path, "application/json", body).await;
        let code = code(refused);
        assert!((400..500).contains(&code), "{body:.20}: {code}");
    }
}
