//! Certificates of a minute, and everything that restarts meanwhile.

use anyhow::{Result, ensure};
use serde_json::json;

use super::pods::{self, Pod, Seen, enroll};
use super::world::{NAME, NAMESPACE, World};
use super::{Scenario, installation, scenario};
use crate::cluster;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario(
            "certificates of a minute are renewed, each with a new key, whatever restarts",
            restarts,
        ),
        scenario(
            "a new trust bundle reaches every pod, old and new trusted meanwhile",
            rotation,
        ),
        scenario(
            "the issuer follows the runtime ConfigMap without a restart",
            runtime_issuer,
        ),
    ]
}

fn restarts(world: &World) -> Result<()> {
    installation::install(world, &["app.certificateRequestDuration=60s"])?;
    enroll(world, "minute", "web")?;
    // Each pod ends, and never starts again, if it ever sees a certificate that is not valid.
    let all = [
        pods::run(world, "minute", "one", "web")?,
        pods::run(world, "minute", "two", "web")?,
    ];
    for pod in &all {
        pod.wait_ready(world)?;
    }
    renewed(world, &all)?;
    let driver = world.kubectl.run(&[
        "--namespace",
        NAMESPACE,
        "get",
        "pods",
        "-l",
        &format!("app={NAME}"),
        "-o",
        "name",
    ])?;
    world.kubectl.run(&[
        "--namespace",
        NAMESPACE,
        "delete",
        &driver,
        "--grace-period=0",
        "--force",
    ])?;
    installation::rolled_out(world)?;
    renewed(world, &all)?;
    world.kubectl.run(&[
        "--namespace",
        NAMESPACE,
        "rollout",
        "restart",
        &format!("daemonset/{NAME}-driver"),
    ])?;
    installation::rolled_out(world)?;
    renewed(world, &all)?;
    cluster::restart_kubelet(&world.place, &world.tools)?;
    renewed(world, &all)?;
    for pod in all {
        let object = pod.object(world)?;
        ensure!(
            object["status"]["phase"] == "Running",
            "{}: {}",
            pod.name,
            pod.logs(world)?
        );
        pod.delete(world)?;
    }
    Ok(())
}

/// Waits until each pod has another key than now.
fn renewed(world: &World, pods: &[Pod]) -> Result<()> {
    // A kubelet that was restarted knows its pods only after a while.
    let look =
        |pod: &Pod| world.eventually(&format!("a look into {}", pod.name), || pod.look(world));
    let before: Vec<Seen> = pods.iter().map(look).collect::<Result<_>>()?;
    for (pod, before) in pods.iter().zip(before) {
        world.eventually(&format!("a renewal in {}", pod.name), || {
            let now = pod.look(world)?;
            ensure!(now.key() != before.key(), "the key is still {}", now.key());
            ensure!(now.id() == before.id(), "{now:?}");
            Ok(())
        })?;
    }
    Ok(())
}

fn rotation(world: &World) -> Result<()> {
    installation::install(world, &[])?;
    enroll(world, "rotation", "web")?;
    let pod = pods::run(world, "rotation", "web", "web")?;
    pod.wait_ready(world)?;
    let before = pod.look(world)?;
    ensure!(before.roots() == 1, "{before:?}");
    let old = world.object(NAMESPACE, "secret/spiffe-ca")?;
    let old = old["data"]["tls.crt"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let both = cluster::base64_joined(&old, &cluster::new_authority()?)?;
    installation::set_roots(world, &both)?;
    world.eventually("both roots in the pod", || {
        let now = pod.look(world)?;
        ensure!(now.roots() == 2, "{now:?}");
        ensure!(now.key() == before.key(), "the key has changed");
        Ok(())
    })?;
    installation::set_roots(world, &old)?;
    pod.delete(world)
}

fn runtime_issuer(world: &World) -> Result<()> {
    installation::install(
        world,
        &[
            "app.runtimeIssuanceConfigMap=spiffe-issuer",
            "app.issuer.name=",
        ],
    )?;
    enroll(world, "issuer", "web")?;
    let pod = pods::run(world, "issuer", "web", "web")?;
    let told = pod.event(world, "CertificateIssuerUnknown")?;
    ensure!(told.contains("spiffe-issuer"), "{told}");
    let config_map = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "spiffe-issuer", "namespace": NAMESPACE},
        "data": {"issuer-name": "spiffe-ca", "issuer-kind": "ClusterIssuer", "issuer-group": "cert-manager.io"},
    });
    world.kubectl.apply(&config_map.to_string())?;
    pod.wait_ready(world)?;
    pod.delete(world)?;
    world.kubectl.run(&[
        "--namespace",
        NAMESPACE,
        "delete",
        "configmap",
        "spiffe-issuer",
    ])?;
    Ok(())
}
