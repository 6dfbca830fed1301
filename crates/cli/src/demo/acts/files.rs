//! Owns the act in which two pods get their files.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use crate::demo::actor::Actor;
use crate::demo::stage::{LIMIT, NAMESPACE, Stage};
use crate::demo::timeline::Timeline;
use crate::demo::unmet::Unexpected;

/// Runs two pods and shows what is in their volumes.
///
/// # Errors
/// A pod does not come up, or its volume is not a good SVID of its service account.
pub(in crate::demo) async fn play(
    stage: &Stage,
    timeline: &mut Timeline,
) -> anyhow::Result<[Actor; 2]> {
    timeline.act(
        "Two pods start",
        &[
            "Each mounts a volume of the driver. The driver makes a key that never leaves the node, asks for a",
            "certificate with the pod's own token, and shows both as files before the pod's containers start.",
        ],
    )?;
    let both = async { tokio::try_join!(stage.run_actor("client"), stage.run_actor("server")) };
    let (client, server) = timeline
        .wait("waiting for two pods to run", LIMIT, String::new, both)
        .await?;
    for actor in [&client, &server] {
        timeline.seen(&format!(
            "pod {NAMESPACE}/{} runs as service account {}",
            actor.pod.name(),
            actor.name
        ))?;
        list(actor.volume.path(), timeline)?;
    }
    for actor in [&client, &server] {
        let look = actor.volume.look().context("reading a volume")?;
        if let Some(fault) = look.fault(&actor.identity) {
            return Err(Unexpected::new(format!("an SVID of {}", actor.identity), fault).into());
        }
    }
    inspect(&client, timeline).await?;
    timeline.proved("each pod has a key, and a certificate with its own SPIFFE ID")?;
    Ok([client, server])
}

/// The files that a workload opens, with their modes and sizes.
fn list(folder: &Path, timeline: &mut Timeline) -> anyhow::Result<()> {
    for name in ["tls.crt", "tls.key", "ca.crt"] {
        let path = folder.join(name);
        let metadata =
            fs::metadata(&path).with_context(|| format!("looking at {}", path.display()))?;
        let mode = metadata.permissions().mode() & 0o7777;
        timeline.quote(&format!("{mode:04o} {:5} bytes  {name}", metadata.len()))?;
    }
    Ok(())
}

/// The output of the command `inspect` for the volume.
async fn inspect(actor: &Actor, timeline: &mut Timeline) -> anyhow::Result<()> {
    let folder = actor.volume.path().to_owned();
    let program = std::env::current_exe().context("finding this program")?;
    // Colours are removed again where they do not belong.
    let mut command = Command::new(program);
    command
        .arg("inspect")
        .arg(&folder)
        .env("CLICOLOR_FORCE", "1");
    let inspected = tokio::task::spawn_blocking(move || command.output()).await?;
    let inspected = inspected.context("starting inspect")?;
    let said = String::from_utf8_lossy(&inspected.stdout);
    if !inspected.status.success() {
        let errors = String::from_utf8_lossy(&inspected.stderr);
        let seen = format!("{}: {said}{errors}", inspected.status);
        return Err(Unexpected::new("inspect to find a valid SVID", seen).into());
    }
    timeline.seen(&format!(
        "`csi-driver-spiffe inspect` on the volume of {}:",
        actor.name
    ))?;
    timeline.quote(&said)
}
