//! An issuer that is closed to other approvers, and what happens to requests when it is opened.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::installation::{self, RELEASE};
use super::pods::{self, enroll};
use super::requests::{
    approved, create_as, decided, decision, decision_on, right, signing_request, status_patch,
};
use super::world::{ANOTHER_ISSUER, NAMESPACE, World};
use super::{Scenario, scenario};
use crate::cluster::BuiltInApprover;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario(
            "cert-manager's own approver decides for other issuers and never for ours",
            closed,
        ),
        scenario(
            "without the policies cert-manager approves what it was refused, unless that is gone",
            opened,
        ),
    ]
}

fn closed(world: &World) -> Result<()> {
    installation::install(world, &[])?;
    enroll(world, "closed", "web")?;
    world.start_another_issuer()?;
    let approver = BuiltInApprover::start(&world.place, &world.tools, &world.kubectl)?;
    create_as(world, "closed", "web", &forged("closed", "forged")?)?;
    wait_for_refusal(world, &approver, "forged")?;
    // A namespaced issuer of the same name is somebody else's.
    for (name, kind, issuer) in [
        ("other", "ClusterIssuer", ANOTHER_ISSUER),
        ("namespaced", "Issuer", "spiffe-ca"),
    ] {
        let mut ordinary = forged("closed", name)?;
        ordinary["spec"]["issuerRef"] = json!({"name": issuer, "kind": kind});
        create_as(world, "closed", "web", &ordinary)?;
        let condition = decision(world, "closed", name)?;
        ensure!(
            condition["type"] == "Approved" && condition["reason"] == "cert-manager.io",
            "{name}: {condition}"
        );
    }
    let pod = pods::ready(world, "closed", "web", "web")?;
    let requests = world.objects("closed", "certificaterequests")?;
    let ours = requests
        .iter()
        .find(|one| one["metadata"]["ownerReferences"][0]["name"] == "web");
    let name = ours.context("the pod has no request")?["metadata"]["name"].as_str();
    let condition = decision(world, "closed", name.unwrap_or_default())?;
    ensure!(
        condition["reason"] == "spiffe.csi.cert-manager.io",
        "{condition}"
    );
    ensure!(
        decided(world, "closed", "forged").is_none(),
        "the forged request was decided"
    );
    pod.delete(world)?;
    drop(approver);
    world.end_another_issuer()?;
    world.end_namespace("closed")
}

fn opened(world: &World) -> Result<()> {
    let uninstall = ["uninstall", RELEASE, "--namespace", NAMESPACE, "--wait"];
    installation::install(world, &[])?;
    enroll(world, "opened", "web")?;
    let approver = BuiltInApprover::start(&world.place, &world.tools, &world.kubectl)?;
    create_as(world, "opened", "web", &forged("opened", "careless")?)?;
    wait_for_refusal(world, &approver, "careless")?;
    // Turned off, or uninstalled, in the wrong order.
    installation::install(
        world,
        &["admissionPolicies.exclusiveApproval.enabled=false"],
    )?;
    approver.restart()?;
    approved(world, "opened", "careless")?;

    drop(approver);
    installation::install(world, &[])?;
    create_as(world, "opened", "web", &forged("opened", "pending")?)?;
    wait_for_the_policies(world, "opened", "pending")?;
    let approver = BuiltInApprover::start(&world.place, &world.tools, &world.kubectl)?;
    wait_for_refusal(world, &approver, "pending")?;
    // In the right one: the rights first, then what nobody has decided on.
    approver.may_approve(&["clusterissuers.cert-manager.io/other-ca"])?;
    delete_undecided(world)?;
    let left = world.objects("opened", "certificaterequests")?;
    let names: Vec<_> = left.iter().map(|one| &one["metadata"]["name"]).collect();
    ensure!(names == ["careless"], "{names:?} are left");
    world.helm(&uninstall)?;
    create_as(world, "opened", "web", &forged("opened", "late")?)?;
    approver.restart()?;
    world.eventually("a refusal for want of the right", || {
        let log = approver.log()?;
        ensure!(
            log.contains("does not have permissions to set approved/denied conditions"),
            "the approver did not try: {log}"
        );
        Ok(())
    })?;
    ensure!(
        decided(world, "opened", "late").is_none(),
        "cert-manager approved for the issuer"
    );
    drop(approver);
    world.end_namespace("opened")
}

/// A request for our issuer that asks for no identity, so that our approver leaves it alone: what
/// cert-manager signs of it is somebody else's SVID.
fn forged(namespace: &str, name: &str) -> Result<Value> {
    let mut request = right(namespace, "web", name)?;
    request["metadata"]["annotations"] = json!({});
    let admin = "subjectAltName=critical,URI:spiffe://example.org/ns/kube-system/sa/admin";
    request["spec"]["request"] = json!(signing_request("/", &[admin])?);
    Ok(request)
}

/// Waits until cert-manager's approver has tried to approve a request and was refused by the
/// policy.
fn wait_for_refusal(world: &World, approver: &BuiltInApprover, name: &str) -> Result<()> {
    world.eventually(&format!("a refusal of {name}"), || {
        let log = approver.log()?;
        let mut lines = log.lines();
        let refusal = lines.find(|line| line.contains(name) && line.contains(OTHER_APPROVERS));
        let refusal = refusal.with_context(|| format!("none in {log:?}"))?;
        ensure!(refusal.contains(&BuiltInApprover::user()), "{refusal}");
        Ok(())
    })
}

/// Waits until the policies refuse an approval by cert-manager: the API server enforces them some
/// time after they are created.
fn wait_for_the_policies(world: &World, namespace: &str, name: &str) -> Result<()> {
    let approval = json!({"status": {"conditions": [{
        "type": "Approved", "status": "True", "reason": "cert-manager.io", "message": "",
    }]}});
    let (approval, user) = (approval.to_string(), BuiltInApprover::user());
    let mut words = status_patch(namespace, name, &approval);
    words.extend(["--dry-run=server", "--as", &user]);
    world.eventually("the policies to be enforced", || {
        match world.kubectl.run(&words) {
            Err(refusal) if format!("{refusal:#}").contains(OTHER_APPROVERS) => Ok(()),
            Err(other) => Err(other),
            Ok(_) => bail!("cert-manager may still approve"),
        }
    })
}

/// What the message of the policy names.
const OTHER_APPROVERS: &str = "admissionPolicies.exclusiveApproval.otherApprovers";

/// What the command of docs/install.md does.
fn delete_undecided(world: &World) -> Result<()> {
    let undecided = world.objects_everywhere("certificaterequests")?;
    let undecided = undecided.iter().filter(|request| {
        request["spec"]["issuerRef"]["name"] == "spiffe-ca" && decision_on(request).is_none()
    });
    for request in undecided {
        let text = |path: &str| request["metadata"][path].as_str().unwrap_or_default();
        let words = ["delete", "certificaterequest", text("name")];
        world
            .kubectl
            .run(&[&["--namespace", text("namespace")][..], &words].concat())?;
    }
    Ok(())
}
