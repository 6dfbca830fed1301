//! The discovery documents from which a client such as `kubectl` learns what is served.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::access_review::is_review;
use crate::resource::{ALL, Resource, SERVICE_ACCOUNTS, Scope, StatusWrites};

/// The document at this path, if it is one of discovery.
pub(super) fn document(path: &str, address: &str) -> Option<Value> {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    match segments.as_slice() {
        ["version"] => Some(version()),
        ["api"] => Some(json!({
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
        })),
        ["apis"] => Some(groups()),
        ["api", version] => resources("", version),
        ["apis", name] => ALL
            .iter()
            .any(|row| row.group == *name)
            .then(|| group(name)),
        ["apis", group, version] => resources(group, version),
        _ => None,
    }
}

fn version() -> Value {
    json!({
        "major": "1",
        "minor": "37",
        "gitVersion": "v1.37.0-devcluster",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "linux/amd64",
    })
}

fn groups() -> Value {
    let names: BTreeSet<&str> = ALL.iter().map(|row| row.group).collect();
    let groups: Vec<Value> = names
        .into_iter()
        .filter(|name| !name.is_empty())
        .map(group)
        .collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

fn group(name: &str) -> Value {
    let version = json!({"groupVersion": format!("{name}/v1"), "version": "v1"});
    json!({
        "kind": "APIGroup",
        "apiVersion": "v1",
        "name": name,
        "versions": [version.clone()],
        "preferredVersion": version,
    })
}

fn resources(group: &str, version: &str) -> Option<Value> {
    let rows: Vec<&Resource> = ALL
        .iter()
        .copied()
        .filter(|row| row.group == group && row.version == version)
        .collect();
    let first = rows.first()?;
    let entries: Vec<Value> = rows.iter().flat_map(|row| entries(row)).collect();
    Some(json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": first.api_version(),
        "resources": entries,
    }))
}

fn entries(row: &Resource) -> Vec<Value> {
    let namespaced = row.scope == Scope::Namespaced;
    let verbs: &[&str] = if is_review(row) {
        &["create"]
    } else {
        &[
            "create", "delete", "get", "list", "patch", "update", "watch",
        ]
    };
    let mut entries = vec![json!({
        "name": row.plural,
        "singularName": row.singular(),
        "namespaced": namespaced,
        "kind": row.kind,
        "shortNames": row.short_names,
        "verbs": verbs,
    })];
    if row.status == StatusWrites::Subresource {
        entries.push(json!({
            "name": format!("{}/status", row.plural),
            "singularName": "",
            "namespaced": namespaced,
            "kind": row.kind,
            "verbs": ["get", "patch", "update"],
        }));
    }
    if *row == SERVICE_ACCOUNTS {
        entries.push(json!({
            "name": "serviceaccounts/token",
            "singularName": "",
            "namespaced": true,
            "group": "authentication.k8s.io",
            "version": "v1",
            "kind": "TokenRequest",
            "verbs": ["create"],
        }));
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_review_is_announced_for_creation_alone() {
        let reviews = document("/apis/authorization.k8s.io/v1", "").expect("document");
        let reviews = reviews["resources"].as_array().expect("resources");
        assert_eq!(reviews.len(), 2);
        for review in reviews {
            assert_eq!(review["verbs"], json!(["create"]), "{review}");
        }
    }
}
