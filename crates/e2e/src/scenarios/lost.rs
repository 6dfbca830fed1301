//! Connections to the API server that are lost silently, as when its machine loses power or a load
//! balancer forgets them: no packet arrives any more, not even a reset.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::decisions::{Decisions, within};
use super::pods::{self, enroll};
use super::process::Process;
use super::world::{NAME, World};
use super::{Scenario, installation, scenario};
use crate::cluster::Silence;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario(
            "an approver that loses its connections silently decides again within a minute",
            approver,
        ),
        scenario(
            "a driver that loses its connections silently has its certificate within a minute",
            driver,
        ),
    ]
}

fn approver(world: &World) -> Result<()> {
    installation::install(world, &[])?;
    enroll(world, "lost", "web")?;
    let mut decisions = Decisions::watch(world, "lost", "web")?;
    let approver = Process::of(world, &format!("{NAME}-approver"))?;
    let silence = cut(&approver)?;
    decisions.create("after-the-cut", 5)?;
    let times = decisions.wait()?;
    drop(silence);
    within(
        "requests after the loss of the approver's connections",
        &times,
        LIMIT,
    )?;
    approver.peak_memory()?;
    world.end_namespace("lost")
}

fn driver(world: &World) -> Result<()> {
    // Nobody decides, so that the pod waits for its certificate.
    installation::install(world, &["app.approver.replicaCount=0"])?;
    enroll(world, "lost", "web")?;
    let pod = pods::run(world, "lost", "web", "web")?;
    let driver = Process::of(world, NAME)?;
    world.eventually("a request that the driver follows", || {
        let requests = world.objects("lost", "certificaterequests")?;
        ensure!(requests.len() == 1, "{} requests", requests.len());
        let ports = driver.connections()?;
        ensure!(!ports.is_empty(), "the driver has no connections");
        Ok(())
    })?;
    let silence = cut(&driver)?;
    let since = Instant::now();
    installation::upgrade(world, &["app.approver.replicaCount=1"], &[])?;
    pod.wait_ready(world)?;
    let took = since.elapsed();
    drop(silence);
    eprintln!("the pod started {took:?} after the loss of the driver's connections");
    ensure!(took <= LIMIT, "it took {took:?}");
    driver.peak_memory()?;
    installation::rolled_out(world)?;
    pod.delete(world)?;
    world.end_namespace("lost")
}

/// Cuts the connections that a process has now.
fn cut(process: &Process) -> Result<Silence> {
    let ports = process.connections()?;
    ensure!(!ports.is_empty(), "it has no connections to the API server");
    eprintln!("{} connections are cut", ports.len());
    Silence::of(process.address, &ports)
}

/// Counted from the loss.
const LIMIT: Duration = Duration::from_secs(60);
