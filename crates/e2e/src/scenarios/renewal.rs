//! Certificates of a minute, and everything that restarts meanwhile.

use anyhow::{Result, ensure};

use super::pods::{self, Pod, Seen, enroll};
use super::world::World;
use super::{Scenario, installation, scenario};
use crate::cluster;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![scenario(
        "certificates of a minute are renewed, each with a new key, whatever restarts",
        restarts,
    )]
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
    installation::kill_driver(world)?;
    installation::rolled_out(world)?;
    renewed(world, &all)?;
    installation::restart_driver(world)?;
    installation::rolled_out(world)?;
    renewed(world, &all)?;
    cluster::restart_kubelet(&world.place, &world.tools)?;
    renewed(world, &all)?;
    for pod in all {
        pod.ensure_running(world)?;
        pod.delete(world)?;
    }
    Ok(())
}

/// Waits until each pod has another key than now.
pub(super) fn renewed(world: &World, pods: &[Pod]) -> Result<()> {
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
