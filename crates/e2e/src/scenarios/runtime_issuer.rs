//! The issuer that a ConfigMap names, closed to other approvers for as long as it names it.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::pods::enroll;
use super::policies::refused;
use super::requests::{approved, create_as, right, status_patch};
use super::world::{NAMESPACE, World};
use super::{Scenario, installation, scenario};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![scenario(
        "the issuer that the ConfigMap names is closed, and no other, whatever becomes of the map",
        followed,
    )]
}

/// Requests of the namespace, by their issuer. The administrator would decide on them, who has
/// every right. The last is as cert-manager takes it, too: a namespaced issuer without kind.
const REQUESTS: [(&str, &str, Option<&str>); 4] = [
    ("ours", "spiffe-ca", Some("ClusterIssuer")),
    ("other", "other-ca", Some("ClusterIssuer")),
    ("explicit", "local-ca", Some("Issuer")),
    ("implicit", "local-ca", None),
];

fn followed(world: &World) -> Result<()> {
    let map = "app.runtimeIssuanceConfigMap=spiffe-issuer";
    let values = [map, "app.issuer.name="];
    installation::install(world, &values)?;
    enroll(world, "followed", "web")?;
    for (name, issuer, kind) in REQUESTS {
        let mut request = right("followed", "web", name)?;
        // Not for an identity, so that our approver leaves it alone.
        request["metadata"]["annotations"] = json!({});
        request["spec"]["issuerRef"] = json!({"name": issuer});
        if let Some(kind) = kind {
            request["spec"]["issuerRef"]["kind"] = json!(kind);
        }
        create_as(world, "followed", "web", &request)?;
    }
    closed(world, "without a map", &[])?;
    let whole = |name, kind| json!({"issuer-name": name, "issuer-kind": kind, "issuer-group": "cert-manager.io"});
    set(world, &whole("spiffe-ca", "ClusterIssuer"))?;
    closed(world, "named", &["ours"])?;
    create_as(
        world,
        "followed",
        "web",
        &right("followed", "web", "right")?,
    )?;
    approved(world, "followed", "right")?;
    set(world, &whole("other-ca", "ClusterIssuer"))?;
    closed(world, "switched", &["other"])?;
    set(world, &whole("local-ca", "Issuer"))?;
    closed(world, "namespaced", &["explicit", "implicit"])?;
    for (what, data) in [
        (
            "without a key",
            json!({"issuer-name": "other-ca", "issuer-kind": "ClusterIssuer"}),
        ),
        (
            "with an empty key",
            json!({"issuer-name": "local-ca", "issuer-kind": "", "issuer-group": "cert-manager.io"}),
        ),
        ("without data", Value::Null),
    ] {
        set(world, &whole("spiffe-ca", "ClusterIssuer"))?;
        closed(world, "named again", &["ours"])?;
        set(world, &data)?;
        closed(world, what, &[])?;
    }
    set(world, &whole("other-ca", "ClusterIssuer"))?;
    closed(world, "switched again", &["other"])?;
    delete(world)?;
    closed(world, "deleted", &[])?;

    // What the map named before stays closed where the values say so, as does the fallback.
    let former = "admissionPolicies.exclusiveApproval.otherIssuers[0]";
    let name = format!("{former}.name=local-ca");
    let kind = format!("{former}.kind=Issuer");
    installation::install(world, &[map, &name, &kind])?;
    closed(
        world,
        "with other issuers",
        &["ours", "explicit", "implicit"],
    )?;
    // An Issuer of that name in another namespace is another issuer.
    let namespace = format!("{former}.namespace=elsewhere");
    installation::install(world, &[map, &name, &kind, &namespace])?;
    closed(world, "with an issuer of another namespace", &["ours"])?;
    let namespace = format!("{former}.namespace=followed");
    installation::install(world, &[map, &name, &kind, &namespace])?;
    closed(
        world,
        "with an issuer of this namespace",
        &["ours", "explicit", "implicit"],
    )?;
    let administrator = "admissionPolicies.exclusiveApproval.otherApprovers[0]=administrator";
    installation::install(world, &[map, &name, &kind, administrator])?;
    closed(world, "with another approver", &[])?;
    world.end_namespace("followed")
}

/// Writes the ConfigMap that names the issuer; null is one without data.
pub(super) fn set(world: &World, data: &Value) -> Result<()> {
    let mut config_map = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "spiffe-issuer", "namespace": NAMESPACE},
    });
    if !data.is_null() {
        config_map["data"] = data.clone();
    }
    world.kubectl.apply(&config_map.to_string())
}

pub(super) fn delete(world: &World) -> Result<()> {
    let words = [
        "--namespace",
        NAMESPACE,
        "delete",
        "configmap",
        "spiffe-issuer",
    ];
    world.kubectl.run(&words).map(drop)
}

/// Waits until these requests are closed to the administrator, and no others. The API server hears
/// of a change a moment after it was made.
fn closed(world: &World, when: &str, wanted: &[&str]) -> Result<()> {
    let own =
        json!([{"type": "Approved", "status": "True", "reason": "Own", "message": "by myself"}]);
    let change = json!({"status": {"conditions": own}}).to_string();
    world.eventually(when, || {
        for (name, ..) in REQUESTS {
            let mut words = status_patch("followed", name, &change);
            words.push("--dry-run=server");
            let written = world.kubectl.run(&words);
            if wanted.contains(&name) {
                refused(
                    written,
                    "admissionPolicies.exclusiveApproval.otherApprovers",
                )?;
            } else {
                ensure!(written.is_ok(), "{name} {when}: {written:?}");
            }
        }
        Ok(())
    })
}
