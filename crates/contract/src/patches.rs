//! Patches: merge (RFC 7386), JSON (RFC 6902), strategic.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::Contract;
use crate::room::{Room, code, refusal, send_as};

pub(crate) const CONTRACTS: &[Contract] = crate::named![
    patches_of_all_kinds_are_applied,
    a_json_patch_is_refused_where_its_test_fails_or_its_version_is_stale,
];

async fn patches_of_all_kinds_are_applied(room: Room) {
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

async fn a_json_patch_is_refused_where_its_test_fails_or_its_version_is_stale(room: Room) {
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

async fn json_patch(room: &Room, operations: &Value) -> Result<Value, kube::Error> {
    let path = format!("{}/x", room.path("", "configmaps"));
    let kind = "application/json-patch+json";
    send_as(&room.administrator(), "PATCH", &path, kind, operations).await
}

fn data(map: &ConfigMap) -> Value {
    serde_json::to_value(&map.data).expect("data")
}
