//! Annotations besides the identity that third-party issuers act on.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::pods::{self, allow, enroll, make_account};
use super::policies::{refused, wait_refused};
use super::requests::{approved, create_as, decision, denied, patch, right};
use super::world::World;
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
    let message = denied(world, "steering", "profile")?;
    ensure!(message.contains(PROFILE), "the key is not named: {message}");

    create_as(
        world,
        "steering",
        "web",
        &annotated("steering", "applied", APPLIED, "{}")?,
    )?;
    approved(world, "steering", "applied")?;
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
    wait_refused(world, &editor, &patch("changed", "right", &added), why)?;
    refused(editor.run(&patch("changed", "right", &added)), why)?;
    for others in [
        json!({"metadata": {"labels": {"team": "blue"}}}).to_string(),
        json!({"metadata": {"finalizers": ["example.com/hold"]}}).to_string(),
        json!({"metadata": {"finalizers": null}}).to_string(),
        annotate(APPLIED, json!("{}")),
    ] {
        editor
            .run(&patch("changed", "right", &others))
            .with_context(|| others.clone())?;
    }
    issuer.run(&patch(
        "changed",
        "right",
        &annotate(PICKUP, json!("order-1")),
    ))?;
    for change in [
        annotate(PICKUP, json!("order-2")),
        annotate(PICKUP, Value::Null),
    ] {
        refused(editor.run(&patch("changed", "right", &change)), why)?;
    }
    issuer.run(&patch("changed", "right", &annotate(PICKUP, Value::Null)))?;

    let mut plain = right("changed", "web", "plain")?;
    plain["metadata"]["annotations"] = json!({});
    create_as(world, "changed", "web", &plain)?;
    editor.run(&patch("changed", "plain", &added))?;
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
    let pod = pods::ready(world, "listed", "web", "web")?;
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
    let resources = [&["certificaterequests"], resources].concat();
    let verbs = ["get", "patch", "update", "delete"];
    allow(world, account, ("changed", account), &verbs, &resources)?;
    world.bearer(account, &world.token("changed", account, &[])?)
}

const PROFILE: &str = "ejbca-issuer.keyfactor.com/certificateProfileName";
const PICKUP: &str = "venafi.cert-manager.io/pickup-id";
const APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
