//! Mistakes of an administrator.

use anyhow::{Result, ensure};

use super::pods::{self, enroll};
use super::world::{NAME, NAMESPACE, World};
use super::{Scenario, installation, scenario};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![scenario(
        "a flag that is wrong is named in the log, and pods keep what they have",
        flag,
    )]
}

fn flag(world: &World) -> Result<()> {
    installation::install(world, &[])?;
    enroll(world, "mistake", "web")?;
    let pod = pods::ready(world, "mistake", "web", "web")?;
    let before = pod.look(world)?;
    installation::upgrade(world, &["app.driver.extraArgs[0]=--file-mode=rw"], &[])?;
    let driver = format!("daemonset/{NAME}-driver");
    world.eventually("the reason in the driver's log", || {
        let log = world
            .kubectl
            .run(&["--namespace", NAMESPACE, "logs", &driver])?;
        ensure!(log.contains("--file-mode=\"rw\""), "{log}");
        Ok(())
    })?;
    pod.ensure_running(world)?;
    installation::install(world, &[])?;
    let after = pod.look(world)?;
    ensure!(after == before, "{after:?} instead of {before:?}");
    pod.delete(world)
}
