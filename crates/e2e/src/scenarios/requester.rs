//! The requester recorded in a request, in a namespace where cert-manager does not write it.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::installation::{self, OWN_ACCOUNT, driver_pod};
use super::pods::{self, enroll};
use super::policies::{driver, refused};
use super::requests::{approved, disable_validation, right};
use super::world::World;
use super::{Scenario, scenario, world};
use crate::cluster::Kubectl;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario(
            "a request tells the truth of its requester though nothing writes it there",
            truth,
        ),
        scenario(
            "a driver's token cannot claim another node though nothing writes the node",
            node,
        ),
    ]
}

const NAMESPACE: &str = "unstamped";

fn truth(world: &World) -> Result<()> {
    installation::install(world, &[])?;
    enroll(world, NAMESPACE, "web")?;
    enroll(world, "stamped", "web")?;
    leave_out(world)?;
    let web = world.bearer("web", &world.token(NAMESPACE, "web", &[])?)?;
    let who = who(&web)?;
    ensure!(
        who["extra"].is_object() && who["groups"].is_array(),
        "{who}"
    );
    let request = |name: &str| said(&who, name, "web");
    for (name, field, lie) in [
        (
            "username",
            "username",
            json!("system:serviceaccount:unstamped:admin"),
        ),
        ("uid", "uid", json!("another")),
        ("no-uid", "uid", Value::Null),
        ("groups", "groups", json!(["system:masters"])),
        ("order", "groups", reversed(&who["groups"])?),
        ("no-groups", "groups", Value::Null),
        (
            "extra",
            "extra",
            json!({"authentication.kubernetes.io/pod-name": ["admin"]}),
        ),
        ("no-extra", "extra", Value::Null),
    ] {
        let mut request = request(name)?;
        request["spec"][field] = lie;
        let created = web.create(&request.to_string(), &[]);
        refused(created, &format!("spec.{field} is not what"))?;
    }
    create(&web, &request("true")?)?;
    approved(world, NAMESPACE, "true")?;

    // A requester without UID and extra, as by impersonation: there is nothing to write.
    let as_web = ["--as=system:serviceaccount:unstamped:web"];
    let groups = json!([
        "system:serviceaccounts",
        "system:serviceaccounts:unstamped",
        "system:authenticated"
    ]);
    let bare = json!({"username": "system:serviceaccount:unstamped:web", "groups": groups});
    let bare = said(&bare, "bare", "web")?;
    world.kubectl.create(&bare.to_string(), &as_web)?;
    // And where cert-manager writes it.
    let as_web = ["--as=system:serviceaccount:stamped:web"];
    let stamped = right("stamped", "web", "bare")?;
    world.kubectl.create(&stamped.to_string(), &as_web)?;
    clear(world)?;
    world.end_namespace("stamped")?;
    world.end_namespace(NAMESPACE)
}

fn node(world: &World) -> Result<()> {
    installation::install(world, &[OWN_ACCOUNT])?;
    pods::make_account(world, NAMESPACE, "web")?;
    let pod = pods::ready(world, NAMESPACE, "web", "web")?;
    leave_out(world)?;
    let here = driver(world, "own", &driver_pod(world)?)?;
    let owned = |driver: &Kubectl, name: &str| -> Result<Value> {
        let mut request = said(&who(driver)?, name, "web")?;
        request["metadata"]["ownerReferences"] =
            json!([{"apiVersion": "v1", "kind": "Pod", "name": "web", "uid": pod.uid(world)?}]);
        Ok(request)
    };
    let claim = "authentication.kubernetes.io/node-name";
    for (name, lie) in [("elsewhere", Some(json!(["node-2"]))), ("nowhere", None)] {
        let mut request = owned(&here, name)?;
        let extra = request["spec"]["extra"].as_object_mut();
        let extra = extra.context("the token says nothing of its node")?;
        extra.remove(claim).context("the token says no node")?;
        extra.extend(lie.map(|lie| (claim.to_owned(), lie)));
        let Err(error) = here.create(&request.to_string(), &[]) else {
            bail!("a request of the driver from {name} was taken");
        };
        // Both policies refuse it, and one of them is named.
        let said = format!("{error:#}");
        ensure!(
            said.contains("for that node") || said.contains("spec.extra is not what"),
            "{said}"
        );
    }
    // The truth of a token that is bound to no pod: it says no node.
    let unbound = world.bearer("unbound", &world.token(world::NAMESPACE, world::NAME, &[])?)?;
    let request = owned(&unbound, "unbound")?.to_string();
    refused(
        unbound.create(&request, &[]),
        "only with a token that says its node",
    )?;
    create(&here, &owned(&here, "true")?)?;
    approved(world, NAMESPACE, "true")?;
    clear(world)?;
    pod.delete(world)?;
    world.end_namespace(NAMESPACE)
}

fn create(kubectl: &Kubectl, request: &Value) -> Result<()> {
    kubectl.create(&request.to_string(), &[]).map(drop)
}

/// What the API server knows of who asks.
fn who(kubectl: &Kubectl) -> Result<Value> {
    let text = kubectl.run(&["auth", "whoami", "-o", "json"])?;
    let review: Value = serde_json::from_str(&text)?;
    Ok(review["status"]["userInfo"].clone())
}

/// A right request that says who asks, as cert-manager's webhook would write it.
fn said(who: &Value, name: &str, account: &str) -> Result<Value> {
    let mut request = right(NAMESPACE, account, name)?;
    for field in ["username", "uid", "groups", "extra"] {
        if !who[field].is_null() {
            request["spec"][field] = who[field].clone();
        }
    }
    Ok(request)
}

fn reversed(groups: &Value) -> Result<Value> {
    let mut groups = groups.as_array().context("no groups")?.clone();
    groups.reverse();
    Ok(json!(groups))
}

/// Has cert-manager's webhooks leave the namespace alone, and waits until they do: a request by
/// somebody who may ask for nothing keeps what it says.
fn leave_out(world: &World) -> Result<()> {
    disable_validation(world, NAMESPACE)?;
    let expression =
        json!({"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": [NAMESPACE]});
    select(world, &json!({"matchExpressions": [expression]}))?;
    let mut probe = right(NAMESPACE, "web", "probe")?;
    probe["metadata"]["annotations"] = json!({});
    probe["spec"]["username"] = json!("nobody");
    world.eventually("a namespace without cert-manager", || {
        let words = ["--dry-run=server", "-o", "jsonpath={.spec.username}"];
        let username = world.kubectl.create(&probe.to_string(), &words)?;
        ensure!(username == "nobody", "{username} was written");
        Ok(())
    })
}

/// Has cert-manager's webhooks take in every namespace again.
pub(super) fn clear(world: &World) -> Result<()> {
    select(world, &json!({}))
}

/// Which namespaces the webhook sees that writes the requester.
fn select(world: &World, namespaces: &Value) -> Result<()> {
    let object = "mutatingwebhookconfiguration/cert-manager-webhook";
    let path = "/webhooks/0/namespaceSelector";
    let patch = json!([{"op": "replace", "path": path, "value": namespaces}]).to_string();
    let words = ["patch", object, "--type=json", "-p", &patch];
    world.kubectl.run(&words)?;
    Ok(())
}
