//! The conditions Approved and Denied: for which issuers and by whom they may be set, and that they
//! are immutable.

use serde_json::Value;

use super::denied;
use crate::api::Problem;
use crate::auth::{Permissions, Question, User};
use crate::issuer::IssuerReference;
use crate::resource::{self, Scope};
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
    if !adds {
        return Ok(());
    }
    let signers = signers(current).ok_or_else(|| {
        denied("spec.issuerRef: Forbidden: referenced signer resource does not exist")
    })?;
    if !may_approve(permissions, user, &signers) {
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

/// Refuses a kind that cert-manager's own group does not have; kinds of other groups are not
/// checked.
pub(super) fn check_kind(request: &Value) -> Result<(), Problem> {
    let issuer = IssuerReference::of(request);
    if issuer.group == "cert-manager.io" && !["Issuer", "ClusterIssuer"].contains(&&*issuer.kind) {
        return Err(denied(&format!(
            "spec.issuerRef.kind: Invalid value: {:?}: must be one of Issuer or ClusterIssuer",
            issuer.kind
        )));
    }
    Ok(())
}

/// The signer names of the issuer, its own and the wildcard of its kind; none for a kind that is
/// not served.
fn signers(request: &Value) -> Option<[String; 2]> {
    let issuer = IssuerReference::of(request);
    let mut served = resource::ALL.iter();
    let row = served.find(|row| row.group == issuer.group && row.kind == issuer.kind)?;
    let kind = row.qualified();
    let own = match row.scope {
        Scope::Cluster => format!("{kind}/{}", issuer.name),
        Scope::Namespaced => format!("{kind}/{}.{}", meta::namespace(request), issuer.name),
    };
    Some([own, format!("{kind}/*")])
}

/// The verb `approve` on `signers`, for one of these names.
fn may_approve(permissions: &Permissions, user: &User, signers: &[String]) -> bool {
    signers.iter().any(|name| {
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
