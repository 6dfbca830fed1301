//! The chart, installed by Helm.

use anyhow::{Result, ensure};

use crate::cluster::{self, Authority};
use crate::repository;

use super::requests;
use super::world::{NAME, NAMESPACE, TRUST_DOMAIN, World};

/// The release's name.
pub(super) const RELEASE: &str = "csi-driver-spiffe";

/// Installs the chart or changes its values, and waits until both roles serve.
pub(super) fn install(world: &World, values: &[&str]) -> Result<()> {
    roots(world)?;
    upgrade(world, values, &["--wait", "--timeout=120s"])?;
    rolled_out(world)?;
    policies(world, !values.contains(&"admissionPolicies.enabled=false"))
}

/// Waits until the API server asks the admission policies, or no longer does: it hears of a change
/// a moment after it was made. The administrator is no service account, so has no identity.
fn policies(world: &World, expected: bool) -> Result<()> {
    let probe = requests::right("default", "nobody", "probe")?.to_string();
    world.eventually("the admission policies", || {
        let refused = match world.kubectl.create(&probe, &["--dry-run=server"]) {
            Ok(_) => false,
            Err(error) if error.to_string().contains("ValidatingAdmissionPolicy") => true,
            Err(error) => return Err(error),
        };
        ensure!(refused == expected, "asked: {refused}, wanted: {expected}");
        Ok(())
    })
}

/// Installs the chart or changes its values; `words` as Helm takes them.
pub(super) fn upgrade(world: &World, values: &[&str], words: &[&str]) -> Result<()> {
    let chart = repository::chart().display().to_string();
    let kubelet = world.place.kubelet().display().to_string();
    let common = [
        format!("app.trustDomain={TRUST_DOMAIN}"),
        "app.issuer.name=spiffe-ca".to_owned(),
        format!("app.driver.kubeletRootDir={kubelet}"),
        "driverImage.pullPolicy=Never".to_owned(),
        "approverImage.pullPolicy=Never".to_owned(),
        "app.driver.sourceCABundle=/roots/ca.crt".to_owned(),
        "app.driver.volumes[0].name=roots".to_owned(),
        "app.driver.volumes[0].configMap.name=spiffe-roots".to_owned(),
        "app.driver.volumeMounts[0].name=roots".to_owned(),
        "app.driver.volumeMounts[0].mountPath=/roots".to_owned(),
        "app.driver.volumeMounts[0].readOnly=true".to_owned(),
        "app.logLevel=2".to_owned(),
    ];
    let helm = [
        "upgrade",
        "--install",
        RELEASE,
        &chart,
        "--namespace",
        NAMESPACE,
    ];
    let mut words = [&helm, words].concat();
    for value in common
        .iter()
        .map(String::as_str)
        .chain(values.iter().copied())
    {
        words.extend(["--set", value]);
    }
    world.helm(&words)?;
    Ok(())
}

/// Waits until what was asked for is what runs.
pub(super) fn rolled_out(world: &World) -> Result<()> {
    for role in [
        format!("daemonset/{NAME}-driver"),
        format!("deployment/{NAME}-approver"),
    ] {
        world.kubectl.run(&[
            "--namespace",
            NAMESPACE,
            "rollout",
            "status",
            &role,
            "--timeout=120s",
        ])?;
    }
    Ok(())
}

/// The trust bundle, in a ConfigMap that the driver mounts.
pub(super) fn roots(world: &World) -> Result<()> {
    let authority = cluster::spiffe_authority(&world.place)?;
    set_roots(world, &[&authority])
}

/// Sets the bundle.
pub(super) fn set_roots(world: &World, authorities: &[&Authority]) -> Result<()> {
    let texts: Vec<_> = authorities
        .iter()
        .map(|one| one.certificate.as_str())
        .collect();
    let encoded = cluster::base64(&texts.concat());
    world.kubectl.apply(&format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: spiffe-roots, namespace: {NAMESPACE}}}\nbinaryData: {{ca.crt: {encoded}}}\n"
    ))
}
