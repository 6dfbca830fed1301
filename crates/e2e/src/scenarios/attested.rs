//! Node-attested mode: the driver requests certificates for its own pods and for no others.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::installation::{OWN_ACCOUNT, driver_pod};
use super::pods::{self, Pod, make_account};
use super::policies::{driver, stolen_token};
use super::renewal::renewed;
use super::requests::{decided, denied, right};
use super::world::{World, spiffe_id};
use super::{Scenario, installation, policies, scenario};
use crate::cluster::Kubectl;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario(
            "the driver asks for pods without rights, and goes on at once after a restart",
            delivery,
        ),
        scenario(
            "a driver's token gets no identity but those of pods on its node that mount the volume",
            stolen,
        ),
    ]
}

fn delivery(world: &World) -> Result<()> {
    installation::install(world, &[OWN_ACCOUNT, "app.certificateRequestDuration=60s"])?;
    make_account(world, "attested", "web")?;
    let pod = pods::ready(world, "attested", "web", "web")?;
    let seen = pod.look(world)?;
    ensure!(seen.id() == spiffe_id("attested", "web"), "{seen:?}");
    let all = [pod];
    renewed(world, &all)?;
    installation::kill_driver(world)?;
    installation::rolled_out(world)?;
    renewed(world, &all)?;
    for pod in all {
        pod.ensure_running(world)?;
        pod.delete(world)?;
    }
    world.end_namespace("attested")
}

fn stolen(world: &World) -> Result<()> {
    installation::install(world, &[OWN_ACCOUNT])?;
    for account in ["web", "plain"] {
        make_account(world, "robbed", account)?;
    }
    let pod = pods::ready(world, "robbed", "web", "web")?;
    let plain = without_volume(world)?;
    let (elsewhere, here) = (
        stolen_token(world)?,
        driver(world, "own", &driver_pod(world)?)?,
    );
    let uid = pod.uid(world)?;
    for (name, kubectl, account, owner, denied) in [
        ("as-the-driver-asks", &here, "web", ("web", &uid), None),
        (
            "of-another-node",
            &elsewhere,
            "web",
            ("web", &uid),
            Some("node"),
        ),
        (
            "of-another-account",
            &here,
            "plain",
            ("web", &uid),
            Some("/sa/web"),
        ),
        ("of-no-pod", &here, "web", ("absent", &uid), Some("pod")),
        (
            "of-an-earlier-pod",
            &here,
            "web",
            ("web", &plain.uid(world)?),
            Some("UID"),
        ),
        (
            "without-volume",
            &here,
            "plain",
            ("plain", &plain.uid(world)?),
            Some("volume"),
        ),
    ] {
        let request = owned(name, account, owner)?;
        create(kubectl, &request)?;
        let Some(condition) = outcome(world, name)? else {
            ensure!(denied.is_some(), "{name} is gone");
            continue;
        };
        let message = condition["message"].as_str().unwrap_or_default();
        let wanted = if denied.is_some() {
            "Denied"
        } else {
            "Approved"
        };
        ensure!(
            condition["type"] == wanted && message.contains(denied.unwrap_or_default()),
            "{name}: {condition}"
        );
    }
    // A workload's own token asks for nothing in this mode, whatever rights it has.
    pods::enroll(world, "robbed", "web")?;
    let token = world.token("robbed", "web", &[])?;
    let request = owned("by-itself", "web", ("web", &uid))?;
    create(&world.bearer("web", &token)?, &request)?;
    denied(world, "robbed", "by-itself")?;

    for pod in [pod, plain] {
        pod.delete(world)?;
    }
    policies::clear(world)?;
    world.end_namespace("robbed")
}

/// The decision; None where the garbage collector was there first: it deletes at once what belongs
/// to a pod that is not there.
fn outcome(world: &World, name: &str) -> Result<Option<Value>> {
    world.eventually(&format!("a decision on {name}"), || {
        let condition = decided(world, "robbed", name);
        let is_gone = || {
            let objects = world.objects("robbed", "certificaterequests")?;
            let mut names = objects.iter().map(|object| &object["metadata"]["name"]);
            Ok::<_, anyhow::Error>(!names.any(|one| one == name))
        };
        ensure!(condition.is_some() || is_gone()?, "it is undecided");
        Ok(condition)
    })
}

fn create(kubectl: &Kubectl, request: &Value) -> Result<()> {
    kubectl.create(&request.to_string(), &[]).map(drop)
}

/// A request for an account that says whose it is.
fn owned(name: &str, account: &str, (pod, uid): (&str, &String)) -> Result<Value> {
    let mut request = right("robbed", account, name)?;
    request["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "v1", "kind": "Pod", "name": pod, "uid": uid}]);
    Ok(request)
}

/// A pod on this node that asks for no identity.
fn without_volume(world: &World) -> Result<Pod> {
    let pod = pods::run_with(world, "robbed", "plain", "plain", |pod| {
        pod["spec"]["volumes"] = json!([]);
        let container = &mut pod["spec"]["containers"][0];
        container["volumeMounts"] = json!([]);
        container["command"] = json!(["/bin/sleep", "3600"]);
    })?;
    pod.wait_ready(world)?;
    Ok(pod)
}
