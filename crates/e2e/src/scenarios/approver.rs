//! The approver against the real API server and cert-manager.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::pods::enroll;
use super::requests::{
    ANNOTATION, approved, create_as, decided, denied, disable_validation, right, signing_request,
};
use super::world::{NAME, NAMESPACE, World, spiffe_id, user};
use super::{Scenario, installation, scenario};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario(
            "what a workload asks for is approved or denied, and others' requests are left alone",
            rules,
        ),
        scenario(
            "approvals go on when the leading approver is killed",
            leader,
        ),
    ]
}

fn rules(world: &World) -> Result<()> {
    installation::install(world, &[])?;
    enroll(world, "approver", "web")?;
    // cert-manager would refuse some before the approver sees them.
    disable_validation(world, "approver")?;
    // Every rule is asked by the corpora, by impersonation and without the admission policies.
    for (name, subject, account, word) in [
        ("right", "/", "web", None),
        (
            "other",
            "/",
            "admin",
            Some("spiffe://example.org/ns/approver/sa/web"),
        ),
        ("named", "/CN=admin", "web", Some("subject")),
    ] {
        let mut request = right("approver", "web", name)?;
        let id = spiffe_id("approver", account);
        let san = format!("subjectAltName=critical,URI:{id}");
        request["spec"]["request"] = json!(signing_request(subject, &[&san])?);
        create_as(world, "approver", "web", &request)?;
        expect(world, name, word)?;
    }
    abroad(world)?;
    ordinary(world)
}

fn expect(world: &World, name: &str, word: Option<&str>) -> Result<()> {
    let Some(word) = word else {
        return approved(world, "approver", name);
    };
    let message = denied(world, "approver", name)?;
    let holds = message.to_lowercase().contains(word);
    ensure!(holds, "{name} does not say {word:?}: {message}");
    Ok(())
}

/// An account with rights in a namespace that is not its own. The admission policy would refuse
/// it before the approver sees it.
fn abroad(world: &World) -> Result<()> {
    installation::install(world, &["admissionPolicies.enabled=false"])?;
    enroll(world, "abroad", "web")?;
    world.kubectl.run(&[
        "--namespace=approver",
        "create",
        "rolebinding",
        "abroad",
        "--role=spiffe-web",
        "--serviceaccount=abroad:web",
    ])?;
    let stranger = user("abroad", "web");
    world.wait_allowed(&stranger, "create", "certificaterequests", "approver")?;
    let mut request = right("approver", "web", "abroad")?;
    create_as(world, "abroad", "web", &request)?;
    expect(world, "abroad", Some("namespace"))?;
    let own = spiffe_id("abroad", "web");
    request["metadata"]["name"] = json!("abroad-as-itself");
    request["metadata"]["annotations"][ANNOTATION] = json!(own);
    let name = format!("subjectAltName=critical,URI:{own}");
    request["spec"]["request"] = json!(signing_request("/", &[&name])?);
    create_as(world, "abroad", "web", &request)?;
    expect(world, "abroad-as-itself", Some("namespace"))?;
    world.end_namespace("abroad")
}

/// A request without our annotation waits for another approver, until the chart is set otherwise.
fn ordinary(world: &World) -> Result<()> {
    let mut plain = right("approver", "web", "ordinary")?;
    plain["metadata"] = json!({"name": "ordinary", "namespace": "approver"});
    plain["spec"]["request"] = json!(signing_request(
        "/CN=a",
        &["subjectAltName=DNS:a.example.org"]
    )?);
    plain["spec"]["issuerRef"] =
        json!({"name": "other", "kind": "Issuer", "group": "cert-manager.io"});
    create_as(world, "approver", "web", &plain)?;
    // Decisions are made in the order of their requests, so this one comes later.
    create_as(world, "approver", "web", &right("approver", "web", "next")?)?;
    expect(world, "next", None)?;
    ensure!(
        decided(world, "approver", "ordinary").is_none(),
        "a request without annotation was decided"
    );
    installation::install(world, &["app.approver.autoApproveNonSPIFFE=true"])?;
    expect(world, "ordinary", None)?;
    world.end_namespace("approver")
}

fn leader(world: &World) -> Result<()> {
    installation::install(world, &["app.approver.replicaCount=2"])?;
    enroll(world, "leader", "web")?;
    // A pod that was just replaced may have the lease for a moment more.
    let leading = world.eventually("one of the pods to lead", || leading_pod(world))?;
    world.kubectl.run(&[
        "--namespace",
        NAMESPACE,
        "delete",
        &leading,
        "--grace-period=0",
        "--force",
    ])?;
    create_as(world, "leader", "web", &right("leader", "web", "right")?)?;
    approved(world, "leader", "right")?;
    world.end_namespace("leader")
}

/// The pod of the approver that holds the lease.
fn leading_pod(world: &World) -> Result<String> {
    let lease = world.object(NAMESPACE, "lease/spiffe.csi.cert-manager.io")?;
    let holder = lease["spec"]["holderIdentity"]
        .as_str()
        .context("nobody leads")?;
    let label = format!("-lapp={NAME}-approver");
    let words = [
        "--namespace",
        NAMESPACE,
        "get",
        "pods",
        &label,
        "-o",
        "name",
    ];
    let pods = world.kubectl.run(&words)?;
    let mut pods = pods.lines();
    let leading = pods.find(|pod| holder.contains(pod.trim_start_matches("pod/")));
    Ok(leading
        .with_context(|| format!("{holder} is none of the pods"))?
        .to_owned())
}
