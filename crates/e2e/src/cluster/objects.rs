//! Objects to apply that more than one part makes: lists, roles with their bindings.

use serde_json::{Value, json};

/// Objects as one text.
pub(crate) fn list(objects: &[Value]) -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string()
}

/// A service account as the subject of a binding.
pub(crate) fn account(namespace: &str, name: &str) -> Value {
    json!({"kind": "ServiceAccount", "name": name, "namespace": namespace})
}

/// A rule of a role.
pub(crate) fn rule(group: &str, resources: &[&str], verbs: &[&str]) -> Value {
    json!({"apiGroups": [group], "resources": resources, "verbs": verbs})
}

/// A role and the binding of its name: of a namespace, or of the cluster where that is empty.
pub(crate) fn role(namespace: &str, name: &str, rules: &[Value], subjects: &[Value]) -> [Value; 2] {
    const GROUP: &str = "rbac.authorization.k8s.io";
    let (kind, metadata) = match namespace {
        "" => ("ClusterRole", json!({"name": name})),
        _ => ("Role", json!({"name": name, "namespace": namespace})),
    };
    let version = format!("{GROUP}/v1");
    let binding = format!("{kind}Binding");
    let of = json!({"apiGroup": GROUP, "kind": kind, "name": name});
    [
        json!({"apiVersion": version, "kind": kind, "metadata": metadata, "rules": rules}),
        json!({
            "apiVersion": version, "kind": binding, "metadata": metadata,
            "roleRef": of, "subjects": subjects,
        }),
    ]
}
