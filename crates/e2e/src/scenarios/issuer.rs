//! Which issuer signs, and what is reported when none can.

use anyhow::{Result, ensure};
use serde_json::json;

use super::pods::{self, Pod, enroll};
use super::world::{ANOTHER_ISSUER, NAME, NAMESPACE, World};
use super::{Scenario, installation, runtime_issuer, scenario};
use crate::cluster::{self, Authority};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario(
            "the issuer follows the runtime ConfigMap, there and back, without a restart",
            runtime,
        ),
        scenario(
            "an issuer that is not ready is told on the pod, which starts when it is",
            not_ready,
        ),
    ]
}

fn runtime(world: &World) -> Result<()> {
    let values = [
        "app.runtimeIssuanceConfigMap=spiffe-issuer",
        "app.issuer.name=",
    ];
    installation::install(world, &values)?;
    enroll(world, "issuer", "web")?;
    let other = world.start_another_issuer()?;
    let ours = cluster::spiffe_authority(&world.place)?;
    installation::set_roots(world, &[&ours, &other])?;
    installation::wait_roots(world, 2)?;
    let processes = processes(world)?;

    let first = pods::run(world, "issuer", "first", "web")?;
    let told = first.event(world, "CertificateIssuerUnknown")?;
    ensure!(told.contains("spiffe-issuer"), "{told}");
    name_issuer(world, "spiffe-ca")?;
    first.wait_ready(world)?;
    world.eventually("both roots in the volume", || {
        let seen = first.look(world)?;
        ensure!(seen.roots() == 2, "{seen:?}");
        Ok(())
    })?;
    name_issuer(world, ANOTHER_ISSUER)?;
    let second = signed_by_another(world, "second", &first)?;
    name_issuer(world, "spiffe-ca")?;
    let third = signed_by_another(world, "third", &second)?;
    ensure!(
        third.look(world)?.authority() == first.look(world)?.authority(),
        "a third authority"
    );
    ensure!(processes == self::processes(world)?, "something restarted");
    for pod in [first, second, third] {
        pod.delete(world)?;
    }
    world.end_another_issuer()?;
    runtime_issuer::delete(world)
}

fn name_issuer(world: &World, name: &str) -> Result<()> {
    let data = json!({"issuer-name": name, "issuer-kind": "ClusterIssuer", "issuer-group": "cert-manager.io"});
    runtime_issuer::set(world, &data)
}

/// A new pod whose certificate another authority has signed. The switch reaches driver and
/// approver within a moment, in which a pod may still get the old one's; so another is tried then.
fn signed_by_another(world: &World, name: &str, than: &Pod) -> Result<Pod> {
    let known = than.look(world)?;
    world.eventually("a certificate of the other authority", || {
        let pod = pods::ready(world, "issuer", name, "web")?;
        let seen = pod.look(world)?;
        if seen.authority() == known.authority() {
            pod.delete(world)?;
            anyhow::bail!("{name} has the same authority");
        }
        Ok(pod)
    })
}

/// The containers of driver and approver, and how often each has started.
fn processes(world: &World) -> Result<Vec<String>> {
    let pods = world.objects(NAMESPACE, "pods")?;
    let ours = pods
        .iter()
        .filter(|pod| pod["metadata"]["labels"]["app.kubernetes.io/name"] == NAME);
    let mut seen: Vec<String> = ours
        .map(|pod| {
            let containers = &pod["status"]["containerStatuses"];
            format!(
                "{} {}",
                pod["metadata"]["name"], containers[0]["containerID"]
            )
        })
        .collect();
    seen.sort();
    ensure!(seen.len() == 2, "{seen:?}");
    Ok(seen)
}

fn not_ready(world: &World) -> Result<()> {
    let authority = Authority::new("late")?;
    let objects = authority.cluster_issuer("late-ca");
    let secret = ["--namespace", NAMESPACE, "delete", "secret", "late-ca"];
    // Never ready before its time: a run that broke off may have left the Secret.
    world
        .kubectl
        .run(&[&secret[..], &["--ignore-not-found"]].concat())?;
    let issuer = json!({
        "apiVersion": "cert-manager.io/v1", "kind": "ClusterIssuer",
        "metadata": {"name": "late-ca"},
        "spec": {"ca": {"secretName": "late-ca"}},
    });
    world.kubectl.apply(&issuer.to_string())?;
    let not_ready = [
        "wait",
        "--for=condition=Ready=False",
        "--timeout=120s",
        "clusterissuer/late-ca",
    ];
    world.kubectl.run(&not_ready)?;
    installation::install(world, &["app.issuer.name=late-ca"])?;
    // The pod ends for good if it sees a certificate that its roots do not cover.
    let ours = cluster::spiffe_authority(&world.place)?;
    installation::set_roots(world, &[&ours, &authority])?;
    installation::wait_roots(world, 2)?;
    enroll(world, "late", "web")?;
    let pod = pods::run(world, "late", "web", "web")?;
    let told = pod.event(world, "CertificateRequestPending")?;
    ensure!(told.contains("late-ca"), "{told}");
    world.kubectl.apply(&objects)?;
    pod.wait_ready(world)?;
    pod.delete(world)?;
    world.kubectl.run(&["delete", "clusterissuer", "late-ca"])?;
    world.kubectl.run(&secret)?;
    Ok(())
}
