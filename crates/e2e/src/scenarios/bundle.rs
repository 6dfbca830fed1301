//! The trust bundle and the authority behind it.

use anyhow::{Result, ensure};

use super::pods::{self, enroll};
use super::renewal::renewed;
use super::world::World;
use super::{Scenario, installation, scenario};
use crate::cluster::{self, Authority};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario(
            "a new authority takes over: both are trusted first, and no pod is ever without trust",
            rotation,
        ),
        scenario(
            "a bundle that is not there holds pods back and says so",
            missing,
        ),
    ]
}

fn rotation(world: &World) -> Result<()> {
    installation::install(world, &["app.certificateRequestDuration=60s"])?;
    enroll(world, "rotation", "web")?;
    let all = [
        pods::run(world, "rotation", "one", "web")?,
        pods::run(world, "rotation", "two", "web")?,
    ];
    for pod in &all {
        pod.wait_ready(world)?;
    }
    let before = all[0].look(world)?;
    let old = cluster::spiffe_authority(&world.place)?;
    let new = Authority::new("SPIFFE roots, the next")?;
    installation::set_roots(world, &[&old, &new])?;
    wait_roots(world, &all, 2)?;
    world.kubectl.apply(&new.cluster_issuer("spiffe-ca"))?;
    for pod in &all {
        world.eventually("a certificate of the new authority", || {
            let now = pod.look(world)?;
            ensure!(now.authority() != before.authority(), "{now:?}");
            Ok(())
        })?;
    }
    installation::set_roots(world, &[&new])?;
    wait_roots(world, &all, 1)?;
    renewed(world, &all)?;
    for pod in all {
        pod.ensure_running(world)?;
        pod.delete(world)?;
    }
    world.kubectl.apply(&old.cluster_issuer("spiffe-ca"))
}

fn wait_roots(world: &World, pods: &[pods::Pod], count: u64) -> Result<()> {
    for pod in pods {
        world.eventually(&format!("{count} roots in {}", pod.name), || {
            let now = pod.look(world)?;
            ensure!(now.roots() == count, "{now:?}");
            Ok(())
        })?;
    }
    Ok(())
}

fn missing(world: &World) -> Result<()> {
    installation::install(world, &["app.driver.sourceCABundle=/roots/absent.crt"])?;
    enroll(world, "bundle", "web")?;
    let pod = pods::run(world, "bundle", "web", "web")?;
    let told = pod.event(world, "TrustBundleUnavailable")?;
    ensure!(told.contains("/roots/absent.crt"), "{told}");
    installation::install(world, &[])?;
    pod.wait_ready(world)?;
    pod.delete(world)
}
