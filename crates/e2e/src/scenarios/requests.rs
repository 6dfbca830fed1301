//! CertificateRequests that are made by hand, as a workload or an attacker would.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::world::{LIMIT, World, spiffe_id};
use crate::{cluster, command};

/// A valid request of a service account, to be created by it.
pub(super) fn right(namespace: &str, account: &str, name: &str) -> Result<Value> {
    let id = spiffe_id(namespace, account);
    let request = signing_request("/", &[&format!("subjectAltName=critical,URI:{id}")])?;
    Ok(json!({
        "apiVersion": "cert-manager.io/v1",
        "kind": "CertificateRequest",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "annotations": {ANNOTATION: id},
        },
        "spec": {
            "request": request,
            "duration": "1h0m0s",
            "usages": ["digital signature", "key encipherment", "server auth", "client auth"],
            "issuerRef": {"name": "spiffe-ca", "kind": "ClusterIssuer", "group": "cert-manager.io"},
        },
    }))
}

/// A signing request in PEM, encoded, by OpenSSL. Extensions are as its configuration has them.
pub(super) fn signing_request(subject: &str, extensions: &[&str]) -> Result<String> {
    let mut command = Command::new("openssl");
    command.args(["req", "-new", "-newkey", "ec", "-nodes"]);
    command.args(["-pkeyopt", "ec_paramgen_curve:P-256"]);
    command.args(["-keyout", "/dev/null", "-subj", subject]);
    for extension in extensions {
        command.args(["-addext", extension]);
    }
    Ok(cluster::base64(&command::text(&mut command)?))
}

/// Turns off cert-manager's validating webhook for a namespace, and waits until the API server no
/// longer asks it.
pub(super) fn disable_validation(world: &World, namespace: &str) -> Result<()> {
    let mut unsound = right(namespace, "nobody", "unsound")?;
    unsound["metadata"]["annotations"] = json!({});
    unsound["spec"]["request"] = json!(cluster::base64("no signing request"));
    let unsound = unsound.to_string();
    let create = || world.kubectl.create(&unsound, &["--dry-run=server"]);
    let label = ["label", "namespace", namespace, VALIDATION_OFF];
    world.kubectl.run(&label)?;
    world.eventually("requests that nobody validates", create)?;
    Ok(())
}

/// The label of a namespace whose requests cert-manager does not validate.
pub(super) const VALIDATION_OFF: &str = "cert-manager.io/disable-validation=true";

/// Creates a request with a token of a service account, as a workload would.
pub(super) fn create_as(
    world: &World,
    namespace: &str,
    account: &str,
    request: &Value,
) -> Result<()> {
    let token = world.token(namespace, account, &[])?;
    world
        .bearer(account, &token)?
        .create(&request.to_string(), &[])?;
    Ok(())
}

/// kubectl's words for a change of a request; more may follow.
pub(super) fn patch<'a>(namespace: &'a str, name: &'a str, change: &'a str) -> Vec<&'a str> {
    let request = [
        "--namespace",
        namespace,
        "patch",
        "certificaterequest",
        name,
    ];
    [&request[..], &["--type=merge", "-p", change]].concat()
}

/// The same for its status.
pub(super) fn status_patch<'a>(namespace: &'a str, name: &'a str, change: &'a str) -> Vec<&'a str> {
    [
        &patch(namespace, name, change)[..],
        &["--subresource=status"],
    ]
    .concat()
}

/// Waits for the approval of a request.
pub(super) fn approved(world: &World, namespace: &str, name: &str) -> Result<()> {
    let condition = decision(world, namespace, name)?;
    ensure!(condition["type"] == "Approved", "{name}: {condition}");
    Ok(())
}

/// Waits for the denial of a request, and gives its message.
pub(super) fn denied(world: &World, namespace: &str, name: &str) -> Result<String> {
    let condition = decision(world, namespace, name)?;
    ensure!(condition["type"] == "Denied", "{name}: {condition}");
    Ok(condition["message"].as_str().unwrap_or_default().to_owned())
}

/// Waits for Approved or Denied.
pub(super) fn decision(world: &World, namespace: &str, name: &str) -> Result<Value> {
    let mut found = None;
    cluster::wait(&format!("a decision on {name}"), LIMIT, || {
        found = decided(world, namespace, name);
        found.is_some()
    })?;
    found.context("no decision")
}

/// The condition Approved or Denied, if there is one.
pub(super) fn decided(world: &World, namespace: &str, name: &str) -> Option<Value> {
    let object = world.object(namespace, &format!("certificaterequest/{name}"));
    decision_on(&object.unwrap_or_default()).cloned()
}

/// The condition Approved or Denied of a request that was read, if there is one.
pub(super) fn decision_on(request: &Value) -> Option<&Value> {
    let mut conditions = request["status"]["conditions"].as_array()?.iter();
    conditions.find(|one| one["type"] == "Approved" || one["type"] == "Denied")
}

/// The annotation that makes a request one for a SPIFFE ID.
pub(super) const ANNOTATION: &str = "spiffe.csi.cert-manager.io/identity";
