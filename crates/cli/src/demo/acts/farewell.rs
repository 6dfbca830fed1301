//! Owns the act in which the pods are deleted, with everything that was made for them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rustix::fs::{Mode, OFlags, open};
use svid_devcluster::resource;

use crate::demo::actor::Actor;
use crate::demo::folder::{DemoFolder, mounts_below};
use crate::demo::stage::{DATA, KUBELET, LIMIT, Stage};
use crate::demo::timeline::Timeline;
use crate::demo::unmet::Unexpected;

/// Deletes both pods and shows that nothing of them is left, then ends the roles.
///
/// # Errors
/// Something is left.
pub(in crate::demo) async fn play(
    actors: &[Actor; 2],
    stage: Stage,
    folder: &DemoFolder,
    timeline: &mut Timeline,
) -> anyhow::Result<()> {
    timeline.act(
        "The pods are deleted",
        &[
            "What was made for a pod must not outlive it: neither its key on the node nor its requests in the",
            "cluster.",
        ],
    )?;
    what_there_is(&stage, folder, timeline)?;
    delete(actors, &stage, timeline).await?;
    nothing_on_the_node(actors, folder, timeline)?;
    nothing_in_the_cluster(&stage, timeline).await?;
    timeline.proved("the pods are gone, and no mount, key, record or request is left of them")?;
    end(stage, timeline).await
}

/// Checks that there is something to remove; otherwise finding nothing afterwards proves nothing.
fn what_there_is(
    stage: &Stage,
    folder: &DemoFolder,
    timeline: &mut Timeline,
) -> anyhow::Result<()> {
    let mounts = mounts_below(&folder.at(KUBELET).join("pods"))?.len();
    let records = records(&folder.at(DATA))?.len();
    let objects = stage.cluster.objects();
    let requests = objects.list(&resource::CERTIFICATE_REQUESTS, None).len();
    let there = format!("{mounts} mounts, {records} records of volumes, {requests} requests");
    if mounts < 2 || records < 2 {
        return Err(Unexpected::new("two mounts and two records while the pods run", there).into());
    }
    timeline.note(&format!("before: {there}"))
}

async fn delete(
    [client, server]: &[Actor; 2],
    stage: &Stage,
    timeline: &mut Timeline,
) -> anyhow::Result<()> {
    let both = async {
        tokio::try_join!(client.pod.delete(LIMIT), server.pod.delete(LIMIT))?;
        Ok(())
    };
    let both = stage.unless_ended(both);
    timeline
        .wait("waiting for the pods to go", LIMIT, String::new, both)
        .await?;
    timeline.seen("both pods were unmounted and deleted")
}

fn nothing_on_the_node(
    actors: &[Actor; 2],
    folder: &DemoFolder,
    timeline: &mut Timeline,
) -> anyhow::Result<()> {
    let mounts = mounts_below(&folder.at(KUBELET).join("pods"))?;
    if !mounts.is_empty() {
        return Err(
            Unexpected::new("no mount in the pods' directories", format!("{mounts:?}")).into(),
        );
    }
    timeline.seen("no mount is left in the pods' directories")?;
    for actor in actors {
        match actor.volume.read() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).context("reading a volume that is gone"),
            Ok(_) => {
                let seen = format!(
                    "the key of {} through a directory that is still open",
                    actor.name
                );
                return Err(Unexpected::new("no key to be left", seen).into());
            }
        }
        let path = actor.volume.path();
        if open(path, OFlags::PATH, Mode::empty()).is_ok() {
            return Err(Unexpected::new("no volume to be left", path.display()).into());
        }
    }
    timeline.seen("the files are gone, even for a process that still has the directory open")?;
    let records = records(&folder.at(DATA))?;
    if !records.is_empty() {
        return Err(
            Unexpected::new("the driver to remember no volume", format!("{records:?}")).into(),
        );
    }
    timeline.seen("the driver has no record of the volumes left")
}

/// The files in the folders for records, of every driver that uses the data folder.
fn records(data: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for driver in entries(data)? {
        let volumes = driver.join("volumes");
        if volumes.is_dir() {
            found.extend(entries(&volumes)?);
        }
    }
    Ok(found)
}

fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    entries.with_context(|| format!("listing {}", folder.display()))
}

async fn nothing_in_the_cluster(stage: &Stage, timeline: &mut Timeline) -> anyhow::Result<()> {
    let objects = stage.cluster.objects();
    let gone = async {
        let any = objects.wait_for_none(&resource::CERTIFICATE_REQUESTS, None, LIMIT, |_| true);
        any.await.context("waiting for no request to be left")
    };
    timeline
        .wait("waiting for the requests to go", LIMIT, String::new, gone)
        .await?;
    timeline.seen("the cluster has no certificate request left")
}

/// Ends the roles as a cluster would.
async fn end(stage: Stage, timeline: &mut Timeline) -> anyhow::Result<()> {
    let Stage {
        driver,
        approver,
        kubelet,
        cluster,
    } = stage;
    let both = async { tokio::try_join!(driver.end(LIMIT), approver.end(LIMIT)) };
    let (driver, approver) = timeline
        .wait(
            "waiting for driver and approver to end",
            LIMIT,
            String::new,
            both,
        )
        .await?;
    if !driver.success() || !approver.success() {
        let seen = format!("driver {driver}, approver {approver}");
        return Err(Unexpected::new("driver and approver to exit without an error", seen).into());
    }
    kubelet.stop().await;
    cluster.shutdown().await;
    timeline.seen("driver and approver ended when they were asked to, without an error")
}
