//! Annotations beside the identity, which issuers of other projects obey.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::pods::{self, enroll, make_account};
use super::policies::{refused, wait_refused};
use super::requests::{create_as, decision, right};
use super::world::{World, user};
use super::{Scenario, installation, scenario};
use crate::cluster::Kubectl;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario(
            "a request with an annotation that issuers obey is refused or denied",
            created,
        ),
        scenario(
            "annotations are changed by whoever may update the status, and by nobody else",
            changed,
        ),
        scenario(
            "requests carry the administrator's annotations, those of before a change too",
            listed,
        ),
    ]
}

fn created(world: &World) -> Result<()> {
    installation::install(world, &[])?;
    enroll(world, "steering", "web")?;
    let written = "only cert-manager and issuers write it";
    let pickup = annotated("steering", "pickup", PICKUP, "another")?;
    let web = world.bearer("web", &world.token("steering", "web", &[])?)?;
    world.eventually("a refusal by the policy", || {
        refused(
            web.create(&pickup.to_string(), &["--dry-run=server"]),
            written,
        )
    })?;
    refused(web.create(&pickup.to_string(), &[]), written)?;

    create_as(
        world,
        "steering",
        "web",
        &annotated("steering", "profile", PROFILE, "SUBCA")?,
    )?;
    let denied = decision(world, "steering", "profile")?;
    ensure!(denied["type"] == "Denied", "{denied}");
    let message = denied["message"].as_str().unwrap_or_default();
    ensure!(message.contains(PROFILE), "the key is not named: {message}");

    create_as(
        world,
        "steering",
        "web",
        &annotated("steering", "applied", APPLIED, "{}")?,
    )?;
    let approved = decision(world, "steering", "applied")?;
    ensure!(approved["type"] == "Approved", "{approved}");
    world.end_namespace("steering")
}

fn changed(world: &World) -> Result<()> {
    installation::install(world, &[])?;
    enroll(world, "changed", "web")?;
    let editor = with_rights(world, "editor", &[])?;
    let issuer = with_rights(world, "issuer", &["certificaterequests/status"])?;
    create_as(world, "changed", "web", &right("changed", "web", "right")?)?;
    let annotate =
        |key: &str, value: Value| json!({"metadata": {"annotations": {key: value}}}).to_string();

    let added = annotate(PROFILE, json!("SUBCA"));
    let why = "cannot change the annotations of a CertificateRequest";
    wait_refused(world, &editor, &patch("right", &added), why)?;
    refused(editor.run(&patch("right", &added)), why)?;
    for others in [
        json!({"metadata": {"labels": {"team": "blue"}}}).to_string(),
        json!({"metadata": {"finalizers": ["example.com/hold"]}}).to_string(),
        json!({"metadata": {"finalizers": null}}).to_string(),
        annotate(APPLIED, json!("{}")),
    ] {
        editor
            .run(&patch("right", &others))
            .with_context(|| others.clone())?;
    }
    issuer.run(&patch("right", &annotate(PICKUP, json!("order-1"))))?;
    for change in [
        annotate(PICKUP, json!("order-2")),
        annotate(PICKUP, Value::Null),
    ] {
        refused(editor.run(&patch("right", &change)), why)?;
    }
    issuer.run(&patch("right", &annotate(PICKUP, Value::Null)))?;

    let mut plain = right("changed", "web", "plain")?;
    plain["metadata"]["annotations"] = json!({});
    create_as(world, "changed", "web", &plain)?;
    editor.run(&patch("plain", &added))?;
    editor.run(&[
        "--namespace=changed",
        "delete",
        "certificaterequest",
        "right",
    ])?;
    world.end_namespace("changed")
}

fn listed(world: &World) -> Result<()> {
    let blue = "app.extraCertificateRequestAnnotations=example.com/team=blue";
    installation::install(world, &[blue])?;
    enroll(world, "listed", "web")?;
    let pod = pods::run(world, "listed", "web", "web")?;
    pod.wait_ready(world)?;
    let requests = world.objects("listed", "certificaterequests")?;
    let request = requests.first().context("the pod has no request")?;
    ensure!(
        request["metadata"]["annotations"]["example.com/team"] == "blue",
        "{request}"
    );
    pod.delete(world)?;
    let decided = |name: &str, value: Option<&str>, wanted: &str| -> Result<()> {
        let request = match value {
            Some(value) => annotated("listed", name, "example.com/team", value)?,
            None => right("listed", "web", name)?,
        };
        create_as(world, "listed", "web", &request)?;
        let decision = decision(world, "listed", name)?;
        ensure!(decision["type"] == wanted, "{name}: {decision}");
        Ok(())
    };
    decided("blue", Some("blue"), "Approved")?;
    decided("red", Some("red"), "Denied")?;
    decided("none", None, "Denied")?;

    let green = "app.extraCertificateRequestAnnotations=example.com/team=green";
    let former = "app.formerCertificateRequestAnnotations={,example.com/team=blue}";
    installation::install(world, &[green, former])?;
    decided("green", Some("green"), "Approved")?;
    decided("formerly-blue", Some("blue"), "Approved")?;
    decided("formerly-none", None, "Approved")?;
    decided("still-red", Some("red"), "Denied")?;
    world.end_namespace("listed")
}

/// A request of the account `web` with one more annotation.
fn annotated(namespace: &str, name: &str, key: &str, value: &str) -> Result<Value> {
    let mut request = right(namespace, "web", name)?;
    request["metadata"]["annotations"][key] = json!(value);
    Ok(request)
}

/// kubectl as an account that may change and delete requests, and these resources too.
fn with_rights(world: &World, account: &str, resources: &[&str]) -> Result<Kubectl> {
    make_account(world, "changed", account)?;
    let resources = [&["certificaterequests"], resources].concat().join(",");
    let create = ["--namespace=changed", "create"];
    let role = ["role", account, "--verb=get,patch,update,delete"];
    let of = format!("--resource={resources}");
    world.kubectl.run(&[&create[..], &role, &[&of]].concat())?;
    let (role, subject) = (
        format!("--role={account}"),
        format!("--serviceaccount=changed:{account}"),
    );
    let bind = ["rolebinding", account, &role, &subject];
    world.kubectl.run(&[&create[..], &bind].concat())?;
    for resource in resources.split(',') {
        world.wait_allowed(&user("changed", account), "update", resource, "changed")?;
    }
    world.bearer(account, &world.token("changed", account, &[])?)
}

fn patch<'a>(name: &'a str, change: &'a str) -> Vec<&'a str> {
    let words = ["--namespace=changed", "patch", "certificaterequest", name];
    [&words[..], &["--type=merge", "-p", change]].concat()
}

const PROFILE: &str = "ejbca-issuer.keyfactor.com/certificateProfileName";
const PICKUP: &str = "venafi.cert-manager.io/pickup-id";
const APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
