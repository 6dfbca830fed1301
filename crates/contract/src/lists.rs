//! Lists: selectors and pages.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{DeleteParams, ListParams, PostParams};
use serde_json::{Value, json};

use crate::Contract;
use crate::namespace::{TestNamespace, code, config_map, refusal};

pub(crate) const CONTRACTS: &[Contract] = crate::named![
    lists_select_by_label_and_field,
    a_field_that_is_not_indexed_cannot_be_selected_on,
    a_list_in_pages_shows_what_was_there_at_the_first,
    a_page_of_a_version_of_the_future_is_504,
];

async fn lists_select_by_label_and_field(room: TestNamespace) {
    for (name, app) in [("x", "web"), ("y", "web"), ("z", "db")] {
        let mut map = config_map(name, "1");
        map.metadata.labels = Some([("app".to_owned(), app.to_owned())].into());
        let made = room.maps().create(&PostParams::default(), &map).await;
        made.expect(name);
    }
    let maps = room.maps();
    let all = ListParams::default;
    assert_eq!(selected(&maps, all().labels("app=web")).await, ["x", "y"]);
    assert_eq!(
        selected(&maps, all().fields("metadata.name=z")).await,
        ["z"]
    );
    assert_eq!(
        selected(&maps, all().labels("app,app!=web").limit(1)).await,
        ["z"]
    );
    let elsewhere = all().fields("metadata.namespace=other");
    assert!(selected(&maps, elsewhere).await.is_empty());
}

async fn a_field_that_is_not_indexed_cannot_be_selected_on(room: TestNamespace) {
    let path = room.path("cert-manager.io", "certificaterequests");
    let select = |field: &str| format!("{path}?fieldSelector={field}%3Dx");
    let indexed = select("spec.issuerRef.name");
    let found = room.admin("GET", &indexed, &Value::Null).await;
    found.expect("indexed since cert-manager 1.20");
    let other = select("spec.username");
    assert_eq!(code(room.admin("GET", &other, &Value::Null).await), 400);
}

async fn a_list_in_pages_shows_what_was_there_at_the_first(room: TestNamespace) {
    let maps = room.maps();
    for name in ["a", "c", "e", "g", "i"] {
        room.map(name).await;
    }
    let params = ListParams::default().labels("of=contract").limit(2);
    let first = maps.list(&params).await.expect("first page");
    assert_eq!(names(&first.items), ["a", "c"]);
    room.map("d").await;
    maps.delete("g", &DeleteParams::default())
        .await
        .expect("deleted");
    let mut seen = Vec::new();
    let mut next = first.metadata.continue_.clone();
    while let Some(token) = next.filter(|token| !token.is_empty()) {
        let page = maps
            .list(&params.clone().continue_token(&token))
            .await
            .expect("page");
        assert_eq!(
            page.metadata.resource_version,
            first.metadata.resource_version
        );
        seen.push(names(&page.items));
        next = page.metadata.continue_;
    }
    assert_eq!(json!(seen), json!([["e", "g"], ["i"]]));
    let refused = maps.list(&params.continue_token("made-up")).await;
    assert_eq!(code(refused.map(|list| list.items.len())), 400);
}

/// For a list without a limit a real server waits three seconds first, and asks for another try.
async fn a_page_of_a_version_of_the_future_is_504(room: TestNamespace) {
    let path = room.path("", "configmaps");
    let path = format!("{path}?limit=500&resourceVersion=999999999999");
    let refused = room.admin("GET", &path, &Value::Null).await;
    assert_eq!(refusal(refused), (504, "Timeout".to_owned()));
}

async fn selected(maps: &Api<ConfigMap>, params: ListParams) -> Vec<String> {
    names(&maps.list(&params).await.expect("list").items)
}

fn names(maps: &[ConfigMap]) -> Vec<String> {
    let names = maps.iter().filter_map(|map| map.metadata.name.clone());
    names.collect()
}
