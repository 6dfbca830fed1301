//! The conditions Approved and Denied: who may set them, and that they stay.

use serde_json::Value;

use super::denied;
use crate::api::Problem;
use crate::auth::{Permissions, Question, User};
use crate::store::meta;

/// Checks the change of a status against cert-manager's rules for approval.
pub(super) fn check(
    permissions: &Permissions,
    user: &User,
    current: &Value,
    next: &Value,
) -> Result<(), Problem> {
    let before = [decided(current, "Approved"), decided(current, "Denied")];
    let after = [decided(next, "Approved"), decided(next, "Denied")];
    if after.iter().all(Option::is_some) {
        return Err(denied(
            "status.conditions: Forbidden: both 'Denied' and 'Approved' conditions cannot coexist",
        ));
    }
    let mut adds = false;
    for (before, after) in before.iter().zip(after) {
        match (before, after) {
            (None, None) => {}
            (Some(before), Some(after)) if *before == after => {}
            (Some(_), _) => {
                return Err(denied(
                    "status.conditions: Forbidden: 'Approved' and 'Denied' conditions may not be \
                     modified once set",
                ));
            }
            (None, Some(after)) if meta::text(after, "/status") != "True" => {
                return Err(denied(
                    "status.conditions: Invalid value: 'Approved' and 'Denied' conditions must be True",
                ));
            }
            (None, Some(_)) => adds = true,
        }
    }
    if adds && !may_approve(permissions, user, current) {
        return Err(denied(&format!(
            "user {:?} does not have permissions to set approved/denied conditions for issuer {}",
            user.username,
            current.pointer("/spec/issuerRef").unwrap_or(&Value::Null),
        )));
    }
    Ok(())
}

fn decided<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    conditions
        .iter()
        .find(|condition| meta::text(condition, "/type") == kind)
}

/// The verb `approve` on `signers`, for the issuer's name or for all of its kind.
fn may_approve(permissions: &Permissions, user: &User, request: &Value) -> bool {
    let or = |pointer: &str, default: &'static str| {
        let given = meta::text(request, pointer);
        if given.is_empty() { default } else { given }.to_owned()
    };
    let kind = or("/spec/issuerRef/kind", "Issuer");
    let group = or("/spec/issuerRef/group", "cert-manager.io");
    let name = meta::text(request, "/spec/issuerRef/name");
    let plural = format!("{}s.{group}", kind.to_lowercase());
    let signer = if kind == "ClusterIssuer" {
        format!("{plural}/{name}")
    } else {
        format!("{plural}/{}.{name}", meta::namespace(request))
    };
    [signer, format!("{plural}/*")].iter().any(|name| {
        permissions.allow(
            user,
            &Question {
                verb: "approve",
                group: "cert-manager.io",
                resource: "signers",
                subresource: None,
                namespace: None,
                name: Some(name),
            },
        )
    })
}
