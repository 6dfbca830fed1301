//! What the accounts of driver and approver can do with the permissions that RBAC gives them: what
//! a stolen token is worth.

use std::slice;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::installation::{self, driver_pod};
use super::pods::enroll;
use super::policies::{driver, refused};
use super::requests::{create_as, right, status_patch};
use super::world::{NAME, NAMESPACE, World};
use super::{Scenario, scenario};
use crate::cluster::{self, Kubectl};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario(
            "the approver's token writes one decision for our issuer, and nothing else",
            decisions,
        ),
        scenario(
            "the approver's token creates one Lease, which comes back when it is deleted",
            lease,
        ),
        scenario("the driver's token creates Events about pods only", events),
    ]
}

fn decisions(world: &World) -> Result<()> {
    // Without an approver that would decide first; with the right to decide for other issuers, too.
    let every = "app.approver.signerName=clusterissuers.cert-manager.io/*";
    installation::install(world, &["app.approver.replicaCount=0", every])?;
    enroll(world, "accounts", "web")?;
    for (name, issuer) in [("ours", "spiffe-ca"), ("other", "other-ca")] {
        let mut request = right("accounts", "web", name)?;
        request["spec"]["issuerRef"]["name"] = json!(issuer);
        create_as(world, "accounts", "web", &request)?;
    }
    let approver = approver(world)?;
    may_read_status(world, "accounts")?;
    let try_to = |name: &str, status: &Value| write(&approver, name, status, &["--dry-run=server"]);
    let (approved, denied) = (condition("Approved", "True"), condition("Denied", "True"));
    let ready = condition("Ready", "True");
    world.eventually("the policy on the approver", || {
        refused(try_to("ours", &with(slice::from_ref(&ready))), ONE)
    })?;
    for (status, why) in more_than_a_decision(&approved) {
        refused(try_to("ours", &status), why)?;
    }
    refused(
        try_to("other", &with(slice::from_ref(&denied))),
        "only on CertificateRequests for the issuer",
    )?;
    for decision in [&approved, &denied] {
        try_to("ours", &with(slice::from_ref(decision)))?;
    }
    // What is there stays as it is.
    write(&world.kubectl, "ours", &with(slice::from_ref(&ready)), &[])?;
    for conditions in [
        vec![condition("Ready", "False"), approved.clone()],
        vec![approved.clone()],
        vec![],
    ] {
        refused(try_to("ours", &with(&conditions)), ONE)?;
    }
    try_to("ours", &with(&[ready, approved]))?;
    world.end_namespace("accounts")
}

/// What the refusal of anything but one decision says.
const ONE: &str = "may add one condition";

/// Statuses that hold more than one decision, or another thing, and what their refusal says.
fn more_than_a_decision(approved: &Value) -> Vec<(Value, &'static str)> {
    let beside = |other: Value| with(&[approved.clone(), other]);
    let with_field = |field: &str, value: &str| json!({"conditions": [approved], field: value});
    vec![
        (beside(condition("Denied", "True")), ONE),
        (beside(condition("Ready", "True")), ONE),
        (with(&[condition("Approved", "False")]), ONE),
        (json!({"certificate": "LS0t"}), ONE),
        (with_field("certificate", "LS0t"), "nothing in the status"),
        (with_field("ca", "LS0t"), "nothing in the status"),
        (
            with_field("failureTime", "2026-01-01T00:00:00Z"),
            "nothing in the status",
        ),
    ]
}

fn condition(kind: &str, status: &str) -> Value {
    json!({"type": kind, "status": status, "reason": "r", "message": "m"})
}

fn with(conditions: &[Value]) -> Value {
    json!({"conditions": conditions})
}

/// Writes the status of a request.
fn write(kubectl: &Kubectl, name: &str, status: &Value, words: &[&str]) -> Result<String> {
    let patch = json!({"status": status}).to_string();
    kubectl.run(&[&status_patch("accounts", name, &patch)[..], words].concat())
}

fn lease(world: &World) -> Result<()> {
    installation::install(world, &[])?;
    let approver = approver(world)?;
    let lease = |metadata: Value| {
        let lease =
            json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata});
        approver.create(&lease.to_string(), &["--dry-run=server"])
    };
    let why = format!("no Lease but {NAMESPACE}/spiffe.csi.cert-manager.io");
    world.eventually("the policy on Leases", || {
        refused(
            lease(json!({"name": "cert-manager-controller", "namespace": NAMESPACE})),
            &why,
        )
    })?;
    refused(
        lease(json!({"generateName": "spiffe.csi.cert-manager.io", "namespace": NAMESPACE})),
        &why,
    )?;
    let ours = "lease/spiffe.csi.cert-manager.io";
    let uid = |world: &World| -> Result<Value> {
        Ok(world.object(NAMESPACE, ours)?["metadata"]["uid"].take())
    };
    // The approver may just have started, and not lead yet.
    let before = world.eventually("a Lease", || uid(world))?;
    world
        .kubectl
        .run(&["--namespace", NAMESPACE, "delete", ours])?;
    world.eventually("another Lease of that name", || {
        ensure!(uid(world)? != before, "it is the one before");
        Ok(())
    })
}

fn events(world: &World) -> Result<()> {
    installation::install(world, &[])?;
    let driver = driver(world, "own", &driver_pod(world)?)?;
    let event = |kind: &str, version: &str| {
        let event = json!({
            "apiVersion": "events.k8s.io/v1", "kind": "Event",
            "metadata": {"generateName": "probe-", "namespace": "default"},
            "action": "Probe", "reason": "Probe", "note": "a probe", "type": "Warning",
            "eventTime": "2026-01-01T00:00:00.000000Z",
            "reportingController": "spiffe.csi.cert-manager.io", "reportingInstance": "node-1",
            "regarding": {"apiVersion": version, "kind": kind, "name": "probe", "namespace": "default"},
        });
        driver.create(&event.to_string(), &["--dry-run=server"])
    };
    world.eventually("the policy on Events", || {
        refused(event("Secret", "v1"), "about pods only")
    })?;
    refused(event("Pod", "example.com/v1"), "about pods only")?;
    event("Pod", "v1")?;
    Ok(())
}

/// kubectl reads what it patches, which the approver does not.
fn may_read_status(world: &World, namespace: &str) -> Result<()> {
    let name = "approver-reads-status";
    let status = cluster::rule("cert-manager.io", &["certificaterequests/status"], &["get"]);
    let account = cluster::account(NAMESPACE, &format!("{NAME}-approver"));
    let objects = cluster::role(namespace, name, &[status], &[account]);
    world.kubectl.apply(&cluster::list(&objects))
}

/// kubectl with nothing but a token of the approver.
fn approver(world: &World) -> Result<Kubectl> {
    let account = format!("{NAME}-approver");
    world.bearer(
        "approver-of-the-release",
        &world.token(NAMESPACE, &account, &[])?,
    )
}
