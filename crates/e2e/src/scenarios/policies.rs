//! The admission policies and the rights that the chart gives.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::installation::driver_pod;
use super::pods::{self, allow, enroll};
use super::requests::{ANNOTATION, create_as, disable_validation, patch, right, status_patch};
use super::world::{NAME, NAMESPACE, World, spiffe_id};
use super::{Scenario, installation, scenario};
use crate::cluster::{Kubectl, NODE_NAME};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario(
            "an edited request of ours is refused by the admission policy, also where cert-manager \
             does not validate",
            edited,
        ),
        scenario(
            "only who has the verb approve decides, and a decision stays, also where cert-manager \
             does not validate",
            decisions,
        ),
        scenario(
            "a driver's token of another node deletes and creates nothing here",
            other_node,
        ),
        scenario(
            "driver and approver have the rights that they need and no more",
            rights,
        ),
    ]
}

fn edited(world: &World) -> Result<()> {
    installation::install(world, &[])?;
    enroll(world, "edited", "web")?;
    disable_validation(world, "edited")?;
    let mut request = right("edited", "web", "right")?;
    request["metadata"]["annotations"][ANNOTATION] = json!(spiffe_id("edited", "admin"));
    ensure!(
        create_as(world, "edited", "web", &request).is_err(),
        "an annotation with somebody else's identity was taken"
    );
    request["metadata"]["annotations"][ANNOTATION] = json!(spiffe_id("edited", "web"));
    create_as(world, "edited", "web", &request)?;
    let change = json!({"spec": {"duration": "2h"}}).to_string();
    let words = patch("edited", "right", &change);
    wait_refused(world, &world.kubectl, &words, "cannot be changed")?;
    for change in [
        json!({"spec": {"duration": "2h"}}),
        json!({"spec": {"username": "system:serviceaccount:edited:admin"}}),
        json!({"metadata": {"annotations": {ANNOTATION: null}}}),
        json!({"metadata": {"annotations": {ANNOTATION: "spiffe://example.org/ns/a/sa/b"}}}),
    ] {
        let change = change.to_string();
        let edited = world.kubectl.run(&patch("edited", "right", &change));
        ensure!(edited.is_err(), "{change} was taken");
    }
    // One approved for another issuer is not redirected to ours.
    let mut plain = right("edited", "web", "plain")?;
    plain["metadata"]["annotations"] = json!({});
    plain["spec"]["issuerRef"]["name"] = json!("another");
    create_as(world, "edited", "web", &plain)?;
    let change = json!({"spec": {"issuerRef": {"name": "spiffe-ca"}}}).to_string();
    let turned = world.kubectl.run(&patch("edited", "plain", &change));
    refused(turned, "cannot be changed")?;
    world.end_namespace("edited")
}

/// With the issuer open to other approvers, who would be refused anyway.
fn decisions(world: &World) -> Result<()> {
    installation::install(
        world,
        &["admissionPolicies.exclusiveApproval.enabled=false"],
    )?;
    enroll(world, "decisions", "web")?;
    disable_validation(world, "decisions")?;
    let approved =
        json!([{"type": "Approved", "status": "True", "reason": "Own", "message": "by myself"}]);
    let denied =
        json!([{"type": "Denied", "status": "True", "reason": "Own", "message": "by myself"}]);
    let status = |conditions: &Value| json!({"status": {"conditions": conditions}}).to_string();
    let decide = |kubectl: &Kubectl, name: &str, conditions: &Value| {
        kubectl.run(&status_patch("decisions", name, &status(conditions)))
    };
    // A user who may write the status of requests in this namespace, and nothing else.
    let verbs = ["get", "patch", "update"];
    let resources = ["certificaterequests", "certificaterequests/status"];
    allow(world, "writer", ("decisions", "web"), &verbs, &resources)?;
    let writer = world.bearer("writer", &world.token("decisions", "web", &[])?)?;

    // For an issuer that is not ours, so that the approver leaves it alone.
    let mut request = right("decisions", "web", "wrong")?;
    request["spec"]["issuerRef"]["name"] = json!("another");
    create_as(world, "decisions", "web", &request)?;
    // And one that the approver never looks at, for the issuer that is ours.
    let mut plain = right("decisions", "web", "plain")?;
    plain["metadata"]["annotations"] = json!({});
    create_as(world, "decisions", "web", &plain)?;
    let lacking = "lacks the verb approve for that signer";
    let change = status(&approved);
    let words = status_patch("decisions", "wrong", &change);
    wait_refused(world, &writer, &words, lacking)?;
    for name in ["wrong", "plain"] {
        let decided = decide(&writer, name, &approved);
        refused(decided, lacking)?;
        decide(&world.kubectl, name, &denied)?;
        let decided = decide(&world.kubectl, name, &approved);
        refused(decided, "cannot be changed")?;
    }
    world.end_namespace("decisions")
}

/// Waits until something is refused, by asking for it without effect: the API server hears of a
/// policy a moment after it was written.
pub(super) fn wait_refused(
    world: &World,
    kubectl: &Kubectl,
    words: &[&str],
    why: &str,
) -> Result<()> {
    let words = [words, &["--dry-run=server"]].concat();
    world.eventually(&format!("a refusal that says {why:?}"), || {
        refused(kubectl.run(&words), why)
    })
}

/// Wants an error that says why.
pub(super) fn refused(result: Result<String>, why: &str) -> Result<()> {
    let Err(error) = result else {
        bail!("it was taken, and not refused because it {why:?}");
    };
    let error = error.to_string();
    ensure!(
        error.contains(why),
        "it was refused for another reason: {error}"
    );
    Ok(())
}

fn other_node(world: &World) -> Result<()> {
    installation::install(world, &[])?;
    enroll(world, "elsewhere", "web")?;
    let pod = pods::ready(world, "elsewhere", "web", "web")?;
    let requests = world.objects("elsewhere", "certificaterequests")?;
    let name = requests.first().context("the pod has no request")?["metadata"]["name"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let delete = [
        "--namespace=elsewhere",
        "delete",
        "certificaterequest",
        &name,
        "--wait=false",
    ];

    let stolen = stolen_token(world)?;
    let why = "the CSI driver of node \"node-2\" may not delete";
    wait_refused(world, &stolen, &delete, why)?;
    refused(stolen.run(&delete), why)?;
    for request in [right("elsewhere", "web", "forged")?, plain()?] {
        let created = stolen.create(&request.to_string(), &[]);
        ensure!(created.is_err(), "a driver's token created a request");
    }
    let ours = driver_pod(world)?;
    driver(world, "own", &ours)?.run(&delete)?;
    pod.delete(world)?;
    clear(world)?;
    world.end_namespace("elsewhere")
}

/// A request that is not ours.
fn plain() -> Result<Value> {
    let mut request = right("elsewhere", "web", "plain")?;
    request["metadata"]["annotations"] = json!({});
    Ok(request)
}

/// A token of the driver's account, bound to a pod on another node.
pub(super) fn stolen_token(world: &World) -> Result<Kubectl> {
    world.kubectl.apply(&format!(
        "apiVersion: v1
kind: Node
metadata: {{name: node-2}}
---
apiVersion: v1
kind: Pod
metadata: {{name: driver-elsewhere, namespace: {NAMESPACE}}}
spec:
  nodeName: node-2
  serviceAccountName: {NAME}
  tolerations: [{{operator: Exists}}]
  containers: [{{name: driver, image: localhost/pause:1}}]
"
    ))?;
    let stolen = driver(world, "stolen", "driver-elsewhere")?;
    let whoami = stolen.run(&["auth", "whoami", "-o", "json"])?;
    ensure!(whoami.contains("node-2"), "{whoami}");
    Ok(stolen)
}

/// Takes away what a stolen token was bound to.
pub(super) fn clear(world: &World) -> Result<()> {
    let words = ["delete", "pod", "driver-elsewhere", "--ignore-not-found"];
    let force = ["--namespace", NAMESPACE, "--force", "--grace-period=0"];
    world.kubectl.run(&[&words[..], &force].concat())?;
    let node = ["delete", "node", "node-2", "--ignore-not-found"];
    world.kubectl.run(&node)?;
    Ok(())
}

/// kubectl with a token of the driver's account that is bound to one of its pods.
pub(super) fn driver(world: &World, name: &str, pod: &str) -> Result<Kubectl> {
    let bound = format!("--bound-object-name={pod}");
    let words = ["--bound-object-kind=Pod", &bound];
    let token = world.token(NAMESPACE, NAME, &words)?;
    world.bearer(name, &token)
}

/// With the kubeconfigs that the cluster offers, which have the rights of a chart in an
/// installation of its own.
fn rights(world: &World) -> Result<()> {
    installation::install(world, &[])?;
    let driver = world.kubectl_of("driver");
    let whoami = driver.run(&["auth", "whoami", "-o", "json"])?;
    ensure!(
        whoami.contains(NODE_NAME),
        "no node in the driver's token: {whoami}"
    );
    let approver = world.kubectl_of("approver");
    for (who, kubectl, verb, resource, expected) in [
        ("driver", &driver, "get", "certificaterequests", true),
        ("driver", &driver, "watch", "certificaterequests", true),
        ("driver", &driver, "delete", "certificaterequests", true),
        ("driver", &driver, "create", "events.events.k8s.io", true),
        ("driver", &driver, "create", "certificaterequests", false),
        ("driver", &driver, "update", "certificaterequests", false),
        (
            "driver",
            &driver,
            "patch",
            "certificaterequests/status",
            false,
        ),
        ("driver", &driver, "get", "secrets", false),
        ("driver", &driver, "create", "serviceaccounts/token", false),
        ("driver", &driver, "patch", "nodes", false),
        ("approver", &approver, "list", "certificaterequests", true),
        ("approver", &approver, "watch", "certificaterequests", true),
        (
            "approver",
            &approver,
            "patch",
            "certificaterequests/status",
            true,
        ),
        (
            "approver",
            &approver,
            "create",
            "certificaterequests",
            false,
        ),
        ("approver", &approver, "patch", "certificaterequests", false),
        (
            "approver",
            &approver,
            "delete",
            "certificaterequests",
            false,
        ),
        ("approver", &approver, "get", "secrets", false),
        ("approver", &approver, "impersonate", "users", false),
    ] {
        // It exits with 1 if the answer is no.
        let (resource, part) = resource.split_once('/').unwrap_or((resource, ""));
        let part = format!("--subresource={part}");
        let words = ["auth", "can-i", verb, resource, &part, "--all-namespaces"];
        world.eventually(&format!("{who}: {verb} {resource} {part}"), || {
            let may = kubectl.run(&words).is_ok();
            ensure!(may == expected, "{may}, expected {expected}");
            Ok(())
        })?;
    }
    let account = format!("system:serviceaccount:{NAMESPACE}:{NAME}-approver");
    for (signer, expected) in [
        ("clusterissuers.cert-manager.io/spiffe-ca", true),
        ("clusterissuers.cert-manager.io/other-ca", false),
        ("issuers.cert-manager.io/payments.spiffe-ca", false),
    ] {
        world.eventually(&format!("approve {signer}: {expected}"), || {
            // What cert-manager's webhook asks about an approver.
            let approve = json!({
                "group": "cert-manager.io", "resource": "signers", "verb": "approve",
                "name": signer,
            });
            let allowed = world.allows(&account, &approve)?;
            ensure!(allowed == expected, "allowed: {allowed}");
            Ok(())
        })?;
    }
    Ok(())
}
