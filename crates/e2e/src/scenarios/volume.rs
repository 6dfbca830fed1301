//! One volume from its pod's start to its end.

use anyhow::{Result, ensure};
use serde_json::json;

use super::pods::{VOLUME, enroll, make_account, ready, run, run_with};
use super::world::{LIMIT, NAME, NAMESPACE, World, pod_folder, spiffe_id};
use super::{Scenario, installation, scenario};
use crate::cluster;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario("a deleted pod leaves no mount, folder or request", farewell),
        scenario(
            "a pod without rights waits, is told what to do, and starts when it has them",
            no_rights,
        ),
        scenario("a non-root pod reads its files by its fsGroup", fs_group),
        scenario("hostile volume attributes change nothing", hostile),
    ]
}

fn farewell(world: &World) -> Result<()> {
    installation::install(world, &[])?;
    enroll(world, "farewell", "web")?;
    let pod = ready(world, "farewell", "web", "web")?;
    let folder = pod_folder(&world.place, &pod.uid(world)?);
    ensure!(
        cluster::mounts_below(&[&folder])?.iter().any(|at| at
            .components()
            .any(|part| part.as_os_str() == "kubernetes.io~csi")),
        "no mount below {}",
        folder.display()
    );
    pod.delete(world)?;
    world.eventually("the end of the pod's mounts, folder and request", || {
        let mounts = cluster::mounts_below(&[&folder])?;
        ensure!(mounts.is_empty(), "{mounts:?} are there");
        ensure!(!folder.exists(), "{} is there", folder.display());
        let left = world.objects("farewell", "certificaterequests")?;
        ensure!(left.is_empty(), "{} requests are there", left.len());
        Ok(())
    })
}

fn no_rights(world: &World) -> Result<()> {
    installation::install(world, &[])?;
    make_account(world, "rights", "web")?;
    let pod = run(world, "rights", "web", "web")?;
    let told = pod.event(world, "CertificateRequestForbidden")?;
    ensure!(told.contains("bind a Role with the verb create"), "{told}");
    ensure!(
        pod.object(world)?["status"]["phase"] == "Pending",
        "it runs"
    );
    enroll(world, "rights", "web")?;
    pod.wait_ready(world)?;
    pod.delete(world)
}

fn fs_group(world: &World) -> Result<()> {
    installation::install(world, &[])?;
    enroll(world, "groups", "web")?;
    let pod = run_with(world, "groups", "grouped", "web", |pod| {
        pod["spec"]["securityContext"] =
            json!({"runAsUser": 1000, "runAsGroup": 1000, "runAsNonRoot": true, "fsGroup": 2000});
    })?;
    pod.wait_ready(world)?;
    let mode = world.exec(
        "groups",
        "grouped",
        &["stat", "-L", "-c", "%a %u %g", &format!("{VOLUME}/tls.key")],
    )?;
    ensure!(mode == "440 0 2000", "{mode}");
    pod.delete(world)?;
    installation::install(world, &["app.driver.fileMode=0444"])?;
    let pod = run_with(world, "groups", "alone", "web", |pod| {
        pod["spec"]["securityContext"] =
            json!({"runAsUser": 1000, "runAsGroup": 1000, "runAsNonRoot": true});
    })?;
    pod.wait_ready(world)?;
    ensure!(
        pod.look(world)?.id() == spiffe_id("groups", "web"),
        "{:?}",
        pod.look(world)?
    );
    pod.delete(world)
}

fn hostile(world: &World) -> Result<()> {
    installation::install(world, &[])?;
    enroll(world, "hostile", "web")?;
    let pod = run_with(world, "hostile", "web", "web", |pod| {
        pod["spec"]["volumes"][0]["csi"]["volumeAttributes"] = json!({
            "csi.storage.k8s.io/serviceAccount.name": "admin",
            "csi.storage.k8s.io/pod.namespace": "kube-system",
            "csi.storage.k8s.io/serviceAccount.tokens": "{\"\": {\"token\": \"x.y.z\"}}",
            "spiffe.csi.cert-manager.io/identity": "spiffe://example.org/ns/kube-system/sa/admin",
            "target": "../../../etc",
        });
    })?;
    // A token of the user's makes the driver refuse, or is overwritten by the kubelet's.
    let ready = cluster::wait("the pod's start", LIMIT, || {
        pod.look(world)
            .is_ok_and(|seen| seen.id() == spiffe_id("hostile", "web"))
    });
    let log = world.kubectl.run(&[
        "--namespace",
        NAMESPACE,
        "logs",
        &format!("daemonset/{NAME}-driver"),
    ])?;
    ensure!(!log.contains("x.y.z"), "the driver's log holds the token");
    ready?;
    pod.delete(world)
}
