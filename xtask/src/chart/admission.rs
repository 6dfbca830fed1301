//! What must be true of the admission policies that a rendering has, as far as it shows without an
//! API server.

use anyhow::Result;
use serde_json::{Value, json};

use super::manifests::{Manifests, list, text};

/// The promises, and whether each is kept. `name` is the installation's.
pub(super) fn promises(name: &str, manifests: &Manifests) -> Result<Vec<(bool, String)>> {
    let policies: Vec<_> = manifests.of_kind("ValidatingAdmissionPolicy").collect();
    let bindings = manifests
        .of_kind("ValidatingAdmissionPolicyBinding")
        .count();
    let mut promises = vec![(
        policies.len() == bindings,
        "each policy has one binding".to_owned(),
    )];
    for policy in &policies {
        let policy_name = text(policy, "/metadata/name");
        let binding = manifests.find("ValidatingAdmissionPolicyBinding", policy_name)?;
        promises.push((
            text(binding, "/spec/policyName") == policy_name
                && binding.pointer("/spec/validationActions") == Some(&json!(["Deny"])),
            format!("{policy_name} denies"),
        ));
        promises.push((
            text(policy, "/spec/failurePolicy") == "Fail",
            format!("{policy_name} denies what it cannot judge"),
        ));
        // Only a list of conditions before the parameter could spare others its absence, and there
        // is none: parameters are collected first.
        let parameter = binding.pointer("/spec/paramRef");
        promises.push((
            policy.pointer("/spec/paramKind").is_some() == parameter.is_some()
                && parameter.is_none_or(|one| text(one, "/parameterNotFoundAction") == "Allow"),
            format!("{policy_name} stops nobody when its parameter is missing"),
        ));
    }
    if !policies.is_empty() {
        promises.extend(accounts(name, manifests)?);
        promises.push(runtime_issuer(name, manifests)?);
    }
    Ok(promises)
}

/// A policy about an account must name the one that the pods run as.
fn accounts(name: &str, manifests: &Manifests) -> Result<Vec<(bool, String)>> {
    let driver = manifests.find("DaemonSet", &format!("{name}-driver"))?;
    let approver = manifests.find("Deployment", &format!("{name}-approver"))?;
    let user = |object: &Value| {
        format!(
            "system:serviceaccount:{}:{}",
            text(object, "/metadata/namespace"),
            text(object, "/spec/template/spec/serviceAccountName"),
        )
    };
    let mut promises = Vec::new();
    for (policy, user) in [
        ("driver", user(driver)),
        ("events", user(driver)),
        ("approver", user(approver)),
        ("leases", user(approver)),
    ] {
        let policy_name = format!("{name}-{policy}");
        let object = manifests.find("ValidatingAdmissionPolicy", &policy_name)?;
        let conditions = list(object, "/spec/matchConditions");
        let expression = format!("request.userInfo.username == {}", json!(user));
        promises.push((
            conditions
                .iter()
                .any(|one| text(one, "/expression") == expression),
            format!("{policy_name} is about {user}"),
        ));
    }
    // Whoever is closed out of an issuer, our approver is not.
    let approvers = format!("request.userInfo.username in [{}", json!(user(approver)));
    for policy in ["issuer", "runtime-issuer"] {
        let policy_name = format!("{name}-{policy}");
        if let Ok(object) = manifests.find("ValidatingAdmissionPolicy", &policy_name) {
            let expression = text(object, "/spec/validations/0/expression");
            promises.push((
                expression.contains(&approvers),
                format!("{policy_name} lets our approver decide"),
            ));
        }
    }
    Ok(promises)
}

/// What the approver reads at run time and what is closed to others must be the same `ConfigMap`,
/// unless the values leave issuers open.
fn runtime_issuer(name: &str, manifests: &Manifests) -> Result<(bool, String)> {
    let approver = manifests.find("Deployment", &format!("{name}-approver"))?;
    let arguments = list(approver, "/spec/template/spec/containers/0/args");
    let value = |flag: &str| {
        let mut words = arguments.iter().filter_map(Value::as_str);
        words.find_map(|word| word.strip_prefix(flag)?.strip_prefix('='))
    };
    let read = value("--runtime-issuance-config-map-namespace")
        .zip(value("--runtime-issuance-config-map-name"));
    let is_named = value("--issuer-name").is_some_and(|issuer| !issuer.is_empty());
    let find = |kind: &str, policy: &str| manifests.find(kind, &format!("{name}-{policy}")).ok();
    let closed = find("ValidatingAdmissionPolicyBinding", "runtime-issuer").map(|binding| {
        (
            text(binding, "/spec/paramRef/namespace"),
            text(binding, "/spec/paramRef/name"),
        )
    });
    let has_static = find("ValidatingAdmissionPolicy", "issuer").is_some();
    let is_open = closed.is_none() && !has_static;
    Ok((
        is_open || (closed == read && has_static >= is_named),
        "the issuers that are ours are those that are closed to other approvers".to_owned(),
    ))
}
