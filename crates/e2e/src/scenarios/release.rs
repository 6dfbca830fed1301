//! A release in a registry, installed from there as users install it: the chart by its version, and
//! the image by the digest that the chart has.

use anyhow::{Result, ensure};
use serde_json::Value;
use xtask::release::{self, Destination, Options, Released, Signing};

use super::installation::{self, RELEASE};
use super::pods::{self, enroll};
use super::world::{NAME, NAMESPACE, World, spiffe_id};
use super::{Scenario, scenario};
use crate::cluster::{self, Registry};
use crate::image;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![scenario(
        "image and chart that were pushed to a registry are installed from it by digest",
        released,
    )]
}

fn released(world: &World) -> Result<()> {
    let _registry = Registry::start(&world.place, &world.tools)?;
    let folder = tempfile::tempdir()?;
    let released = release::make(&Options {
        images: vec![world.archive.clone()],
        out: folder.path().to_owned(),
        destination: Destination::Registry(Registry::address()),
        signing: Signing::No,
    })?;
    cluster::forget_image(&world.place, &world.tools, &released.image)?;

    // That makes the trust roots. The release takes its place, as an upgrade does, and the next
    // scenario's installation the release's: nothing is pulled for that.
    installation::install(world, &[])?;
    install(world, &released)?;
    installation::rolled_out(world)?;
    for app in [NAME.to_owned(), format!("{NAME}-approver")] {
        for pod in installation::pods_of(world, &app)? {
            runs(&pod, &released.image)?;
        }
    }
    pulled(world, &released.image)?;

    enroll(world, "released", "web")?;
    let pod = pods::ready(world, "released", "web", "web")?;
    let seen = pod.look(world)?;
    ensure!(
        seen.id() == spiffe_id("released", "web"),
        "{seen:?} was issued"
    );
    pod.delete(world)?;
    world.end_namespace("released")
}

/// As the release's own notes say, with no value that names an image.
fn install(world: &World, released: &Released) -> Result<()> {
    let values = installation::common(world);
    let version = format!("--version={}", image::version());
    let mut words = vec![
        "upgrade",
        RELEASE,
        &released.chart,
        &version,
        "--plain-http",
    ];
    words.extend(["--namespace", NAMESPACE, "--reset-values"]);
    words.extend(["--wait", "--timeout=120s"]);
    for value in &values {
        words.extend(["--set", value]);
    }
    world.helm(&words).map(drop)
}

/// The pod asks for the image by its digest, and what runs has that digest.
fn runs(pod: &Value, image: &str) -> Result<()> {
    let name = &pod["metadata"]["name"];
    let asked = &pod["spec"]["containers"][0]["image"];
    ensure!(asked == image, "{name} asks for {asked}");
    let running = &pod["status"]["containerStatuses"][0]["imageID"];
    let digest = image.rsplit('@').next().unwrap_or_default();
    ensure!(
        running.as_str().is_some_and(|id| id.ends_with(digest)),
        "{name} runs {running}, and released was {image}"
    );
    Ok(())
}

/// The kubelet has pulled the image, and not found it on the node.
fn pulled(world: &World, image: &str) -> Result<()> {
    let wanted = format!("Successfully pulled image \"{image}\"");
    world.eventually("the Event of the pull", || {
        let events = world.objects(NAMESPACE, "events")?;
        let mut notes = events.iter().filter_map(|event| event["message"].as_str());
        ensure!(notes.any(|note| note.starts_with(&wanted)), "no such Event");
        Ok(())
    })
}
