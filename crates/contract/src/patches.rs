//! Patches: merge (RFC 7386), JSON (RFC 6902), strategic.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::Contract;
use crate::namespace::{TestNamespace, code, refusal, send_as};
use crate::requests::REQUESTS;

pub(crate) const CONTRACTS: &[Contract] = crate::named![
    patches_of_all_kinds_are_applied,
    a_json_patch_is_refused_where_its_test_fails_or_its_version_is_stale,
    a_condition_is_added_to_the_status_of_one_version,
];

async fn patches_of_all_kinds_are_applied(room: TestNamespace) {
    room.map("x").await;
    let maps = room.maps();
    let params = PatchParams::default();
    let merge: Patch<Value> = Patch::Merge(json!({"data": {"a": "1", "key": null}}));
    let merged = maps.patch("x", &params, &merge).await.expect("merge");
    assert_eq!(data(&merged), json!({"a": "1"}));
    let strategic: Patch<Value> = Patch::Strategic(json!({"data": {"b": "2"}}));
    let merged = maps
        .patch("x", &params, &strategic)
        .await
        .expect("strategic");
    assert_eq!(data(&merged), json!({"a": "1", "b": "2"}));
    let operations = json!([
        {"op": "test", "path": "/data/a", "value": "1"},
        {"op": "remove", "path": "/data/a"},
    ]);
    let patched = json_patch(&room, &operations).await.expect("JSON patch");
    assert_eq!(patched["data"], json!({"b": "2"}));
}

async fn a_json_patch_is_refused_where_its_test_fails_or_its_version_is_stale(room: TestNamespace) {
    let created = room.map("x").await;
    let wrong = json!([{"op": "test", "path": "/data/key", "value": "9"}]);
    assert_eq!(code(json_patch(&room, &wrong).await), 422);
    let version = created.resource_version();
    let bound = json!([
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
        {"op": "replace", "path": "/data/key", "value": "2"},
    ]);
    let patched = json_patch(&room, &bound)
        .await
        .expect("the present version");
    assert_eq!(patched["data"]["key"], "2");
    let stale = json!([
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
        {"op": "replace", "path": "/data/key", "value": "3"},
    ]);
    assert_eq!(
        refusal(json_patch(&room, &stale).await),
        (409, "Conflict".to_owned())
    );
}

/// The three ways in which the approver writes one condition. None of these conditions is one that
/// cert-manager's controllers act on.
async fn a_condition_is_added_to_the_status_of_one_version(room: TestNamespace) {
    let condition = |kind: &str| json!({"type": kind, "status": "True", "reason": "contract"});
    let add = async |before: &Value, path: &str, value: Value| {
        let metadata = &before["metadata"];
        let name = metadata["name"].as_str().expect("name");
        let path_of = format!("{}/{name}/status", room.path("cert-manager.io", REQUESTS));
        let operations = json!([
            {"op": "replace", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
            {"op": "add", "path": path, "value": value},
        ]);
        patch_at(&room, &path_of, &operations).await
    };
    let types = |object: &Value| {
        let conditions = object["status"]["conditions"].as_array();
        let types = conditions.expect("conditions").iter();
        types.map(|of| of["type"].clone()).collect::<Vec<_>>()
    };
    let bare = room.request("x").await;
    let missing = add(&bare, "/status/conditions/-", condition("One")).await;
    assert_eq!(code(missing), 422, "there is no list to add to");
    let status = json!({"conditions": [condition("One")]});
    let first = add(&bare, "/status", status).await.expect("a status");
    assert_eq!(types(&first), ["One"]);
    let stale = add(&bare, "/status/conditions/-", condition("Two")).await;
    assert_eq!(refusal(stale), (409, "Conflict".to_owned()));
    let second = add(&first, "/status/conditions/-", condition("Two")).await;
    assert_eq!(types(&second.expect("one more")), ["One", "Two"]);

    room.request("y").await;
    let failed = json!({"status": {"failureTime": "2026-01-01T00:00:00Z"}});
    let administrator = room.administrator();
    let listless = room.merge(&administrator, "y", "/status", &failed).await;
    let list = json!([condition("One")]);
    let listed = add(&listless.expect("a status"), "/status/conditions", list).await;
    let listed = listed.expect("a list");
    assert_eq!(types(&listed), ["One"]);
    assert_eq!(
        listed["status"]["failureTime"],
        failed["status"]["failureTime"]
    );
    assert_eq!(listed["metadata"]["generation"], 1);
}

async fn json_patch(room: &TestNamespace, operations: &Value) -> Result<Value, kube::Error> {
    let path = format!("{}/x", room.path("", "configmaps"));
    patch_at(room, &path, operations).await
}

async fn patch_at(
    room: &TestNamespace,
    path: &str,
    operations: &Value,
) -> Result<Value, kube::Error> {
    let kind = "application/json-patch+json";
    let operations = operations.to_string();
    send_as(&room.administrator(), "PATCH", path, kind, &operations).await
}

fn data(map: &ConfigMap) -> Value {
    serde_json::to_value(&map.data).expect("data")
}
