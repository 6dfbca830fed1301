//! What must be true of the account of `helm test`: it looks and asks, and nothing else.

use anyhow::Result;
use serde_json::{Value, json};

use super::manifests::{Manifests, list, text};

/// What must be true of a rendering, with what to say where it is not.
pub(super) fn promises(name: &str, manifests: &Manifests) -> Result<Vec<(bool, &'static str)>> {
    let name = format!("{name}-check");
    let kinds = [
        "ServiceAccount",
        "ClusterRole",
        "ClusterRoleBinding",
        "Role",
        "RoleBinding",
        "Pod",
    ];
    let mut objects = Vec::new();
    for kind in kinds {
        objects.push(manifests.find(kind, &name)?);
    }
    let annotation = |object: &Value, name: &str| {
        text(object, &format!("/metadata/annotations/helm.sh~1{name}")).to_owned()
    };
    let goes = "before-hook-creation,hook-succeeded";
    // Its log is read after it.
    let stays = "before-hook-creation";
    let are_hooks = objects.iter().all(|object| {
        let wanted = if text(object, "/kind") == "Pod" {
            stays
        } else {
            goes
        };
        annotation(object, "hook") == "test" && annotation(object, "hook-delete-policy") == wanted
    });
    let mut rules = objects.iter().flat_map(|object| list(object, "/rules"));
    Ok(vec![
        (
            are_hooks,
            "what helm test may do, it may only while it runs, and its pod stays",
        ),
        (
            rules.all(looks),
            "helm test reads, asks who may do what, and sees no Secret",
        ),
    ])
}

/// Whether a rule lets its holder read, or ask about rights, and no more.
fn looks(rule: &Value) -> bool {
    let resources = list(rule, "/resources");
    let asks = resources == [json!("subjectaccessreviews")];
    let verbs = list(rule, "/verbs");
    let reads = verbs.iter().all(|verb| verb == "get" || verb == "list");
    let is_open = resources.iter().any(|one| one == "secrets" || one == "*");
    !is_open && (reads || (asks && verbs == [json!("create")]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_does_more_than_look_is_noticed() {
        let rule = |resource: &str, verb: &str| json!({"resources": [resource], "verbs": [verb]});
        for (resource, verb) in [
            ("pods", "list"),
            ("leases", "get"),
            ("subjectaccessreviews", "create"),
        ] {
            assert!(looks(&rule(resource, verb)), "{verb} {resource}");
        }
        for (resource, verb) in [
            ("pods", "create"),
            ("pods", "*"),
            ("secrets", "get"),
            ("*", "list"),
            ("subjectaccessreviews", "delete"),
        ] {
            assert!(!looks(&rule(resource, verb)), "{verb} {resource}");
        }
    }
}
