//! Another installation in the same cluster, and this one before it had its policies.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::installation::{self, OWN_ACCOUNT};
use super::pods::{self, Pod, enroll};
use super::policies::refused;
use super::requests::{approved, create_as, decided, right};
use super::world::{ANOTHER_ISSUER, NAME, World, spiffe_id, user};
use super::{Scenario, scenario};
use crate::cluster::{self, Kubectl};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario(
            "two installations with two issuers serve pods beside each other in any mix of modes",
            two,
        ),
        scenario(
            "the policies appear around a running approver, which goes on deciding",
            appearing,
        ),
    ]
}

/// The other release, its namespace and its name for objects.
const SECOND: &str = "second";
const DRIVER: &str = "second.example.org";

fn two(world: &World) -> Result<()> {
    let other = world.start_another_issuer()?;
    // A namespace for pods, as the scenario's own are.
    pods::make_account(world, SECOND, "unused")?;
    installation::set_roots_in(world, SECOND, &[&other])?;
    enroll(world, "neighbours", "web")?;
    for (ours, others) in [(false, true), (true, true), (true, false), (false, false)] {
        let mode = |is_own: bool| is_own.then_some(OWN_ACCOUNT);
        let values: Vec<&str> = mode(ours).into_iter().collect();
        installation::install(world, &values)?;
        let values: Vec<&str> = mode(others).into_iter().collect();
        second(world, &values)?;
        let served = served(world);
        served.with_context(|| format!("own accounts: {ours}, beside {others}"))?;
    }
    issuers_stay_apart(world)?;
    while_running(world)?;
    clear(world)?;
    world.end_another_issuer()?;
    world.end_namespace("neighbours")
}

/// Pods of both drivers start, each with a certificate of its driver's issuer.
fn served(world: &World) -> Result<()> {
    let ours = pods::run(world, "neighbours", "ours", "web")?;
    let others = pod_of_the_second(world, "others")?;
    let mut authorities = Vec::new();
    for pod in [&ours, &others] {
        pod.wait_ready(world)?;
        let seen = pod.look(world)?;
        ensure!(seen.id() == spiffe_id("neighbours", "web"), "{seen:?}");
        authorities.push(seen.authority().to_owned());
    }
    ensure!(authorities.first() != authorities.last(), "{authorities:?}");
    ours.delete(world)?;
    others.delete(world)
}

fn pod_of_the_second(world: &World, name: &str) -> Result<Pod> {
    pods::run_with(world, "neighbours", name, "web", |pod| {
        pod["spec"]["volumes"][0]["csi"]["driver"] = json!(DRIVER);
    })
}

/// Even an approver that approves ordinary requests does not for the issuer of the other.
fn issuers_stay_apart(world: &World) -> Result<()> {
    second(world, &["app.approver.autoApproveNonSPIFFE=true"])?;
    let ordinary = |name: &str, issuer: &str| -> Result<Value> {
        let mut request = right("neighbours", "web", name)?;
        request["metadata"]["annotations"] = json!({});
        request["spec"]["request"] = json!(super::requests::signing_request("/CN=a", &[])?);
        request["spec"]["issuerRef"]["name"] = json!(issuer);
        Ok(request)
    };
    create_as(
        world,
        "neighbours",
        "web",
        &ordinary("at-ours", "spiffe-ca")?,
    )?;
    create_as(
        world,
        "neighbours",
        "web",
        &ordinary("at-a-third", "third-ca")?,
    )?;
    approved(world, "neighbours", "at-a-third")?;
    ensure!(
        decided(world, "neighbours", "at-ours").is_none(),
        "the other installation decided for our issuer"
    );
    Ok(())
}

/// With an issuer that can change while running, every identity is looked at, so the other driver
/// has to be named.
fn while_running(world: &World) -> Result<()> {
    second(world, &[OWN_ACCOUNT])?;
    let map = "app.runtimeIssuanceConfigMap=spiffe-issuer";
    installation::install(world, &[map])?;
    let others = driver_of_the_second(world)?;
    let mut request = right("neighbours", "web", "asked-by-another")?;
    request["spec"]["issuerRef"]["name"] = json!(ANOTHER_ISSUER);
    request["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "v1", "kind": "Pod", "name": "others", "uid": "absent"}]);
    let ask = || others.create(&request.to_string(), &["--dry-run=server"]);
    world.eventually("the policy on identities", || {
        refused(ask(), "in its own namespace only")
    })?;
    let user = user(SECOND, SECOND);
    let named = format!("admissionPolicies.otherDrivers[0]={user}");
    installation::install(world, &[map, &named])?;
    world.eventually("a request of the other driver", ask)?;
    served(world)
}

fn second(world: &World, values: &[&str]) -> Result<()> {
    let own = [
        "nameOverride=second",
        "app.name=second.example.org",
        "app.issuer.name=other-ca",
        "app.driver.dataDir=/run/csi-driver-spiffe-second",
    ];
    let wait = ["--wait", "--timeout=120s"];
    let release = (SECOND, SECOND);
    installation::upgrade_release(world, release, &[&own[..], values].concat(), &wait)
}

/// kubectl with a token of the other driver, bound to its pod.
fn driver_of_the_second(world: &World) -> Result<Kubectl> {
    let pods = installation::pods_in(world, SECOND, SECOND)?;
    let pod = pods.iter().find(|pod| installation::is_ready(pod));
    let name = pod.context("no driver")?["metadata"]["name"].as_str();
    let bound = format!("--bound-object-name={}", name.unwrap_or_default());
    let token = world.token(SECOND, SECOND, &["--bound-object-kind=Pod", &bound])?;
    world.bearer("second", &token)
}

/// Takes the other installation away, after the pods that need it.
pub(super) fn clear(world: &World) -> Result<()> {
    let release = ["list", "--namespace", SECOND, "--short", "--all"];
    if world.helm(&release)?.trim().is_empty() {
        return Ok(());
    }
    let pods = ["--namespace=neighbours", "delete", "pods", "--all"];
    world
        .kubectl
        .run(&[&pods[..], &["--timeout=120s"]].concat())?;
    world.helm(&["uninstall", SECOND, "--namespace", SECOND, "--wait"])?;
    cluster::wait("the end of the other driver", super::world::LIMIT, || {
        installation::pods_in(world, SECOND, SECOND).is_ok_and(|pods| pods.is_empty())
    })?;
    world.end_namespace(SECOND)
}

fn appearing(world: &World) -> Result<()> {
    installation::install(world, &["admissionPolicies.enabled=false"])?;
    enroll(world, "appearing", "web")?;
    let running = || -> Result<Vec<Value>> {
        let driver = installation::pods_of(world, NAME)?;
        let approver = installation::pods_of(world, &format!("{NAME}-approver"))?;
        let all = driver.into_iter().chain(approver);
        Ok(all.map(|pod| pod["metadata"]["uid"].clone()).collect())
    };
    let before = running()?;
    let first = pods::ready(world, "appearing", "first", "web")?;
    installation::install(world, &[])?;
    let second = pods::ready(world, "appearing", "second", "web")?;
    ensure!(before == running()?, "something was replaced");
    for pod in [first, second] {
        pod.ensure_running(world)?;
        pod.delete(world)?;
    }
    world.end_namespace("appearing")
}
