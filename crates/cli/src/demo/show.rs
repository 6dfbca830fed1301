//! Owns the order of the acts, and what ends the demo early.

use anyhow::anyhow;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::actor::Actor;
use super::acts::{farewell, files, forgery, handshake, renewal};
use super::folder::DemoFolder;
use super::stage::{Stage, kubeconfig_name};
use super::timeline::Timeline;
use super::unmet::Interrupted;
use super::vigil::VolumeMonitor;
use crate::process::Signals;

/// Plays all acts.
///
/// # Errors
/// Something was not as expected, or a signal came.
pub(super) async fn perform(
    keep: bool,
    folder: &DemoFolder,
    timeline: &mut Timeline,
) -> anyhow::Result<()> {
    let mut interruption = Interruption::watch()?;
    let set = Stage::set(folder, timeline);
    let stage = interruption.unless(set).await?;
    let main = stage.unless_ended(main_acts(&stage, timeline));
    let actors = interruption.unless(main).await?;
    if keep {
        say_where(&actors, folder, timeline)?;
        tokio::select! {
            name = interruption.next() => timeline.note(name)?,
            error = stage.driver.ended_unasked() => return Err(error),
            error = stage.approver.ended_unasked() => return Err(error),
        }
    }
    let end = farewell::play(&actors, stage, folder, timeline);
    interruption.unless(end).await?;
    timeline.summary()
}

async fn main_acts(stage: &Stage, timeline: &mut Timeline) -> anyhow::Result<[Actor; 2]> {
    let actors = files::play(stage, timeline).await?;
    let [client, server] = &actors;
    let vigils = [VolumeMonitor::begin(client)?, VolumeMonitor::begin(server)?];
    handshake::play(&actors, &stage.cluster, timeline).await?;
    forgery::play(&actors, stage, timeline).await?;
    renewal::play(&actors, &vigils, timeline).await?;
    Ok(actors)
}

/// For `--keep`. The volumes are mounted where only the demo's processes see them, so their paths
/// lead through one of these.
fn say_where(
    actors: &[Actor; 2],
    folder: &DemoFolder,
    timeline: &mut Timeline,
) -> anyhow::Result<()> {
    timeline.act(
        "It keeps running until Ctrl-C",
        &[
            "The volumes are mounted in a mount namespace of their own; these paths lead into it from outside,",
            "and work with `csi-driver-spiffe inspect`, too.",
        ],
    )?;
    let root = format!("/proc/{}/root", std::process::id());
    for actor in actors {
        let volume = actor.volume.path().display();
        timeline.note(&format!("volume of {}: {root}{volume}", actor.name))?;
    }
    let kubeconfig = folder.at(&kubeconfig_name("administrator"));
    timeline.note(&format!("kubeconfig: {}", kubeconfig.display()))?;
    for role in ["driver", "approver"] {
        let log = folder.at(&super::child::log_name(role));
        timeline.note(&format!("log of the {role}: {}", log.display()))?;
    }
    Ok(())
}

/// Signals by which a user ends the demo.
struct Interruption {
    signals: Signals,
    hangup: Signal,
}

impl Interruption {
    fn watch() -> anyhow::Result<Self> {
        Ok(Self {
            signals: Signals::catch()?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            name = self.signals.next() => name,
            _ = self.hangup.recv() => "SIGHUP",
        }
    }

    /// Continues with something until a signal comes.
    async fn unless<Outcome>(
        &mut self,
        event: impl Future<Output = anyhow::Result<Outcome>>,
    ) -> anyhow::Result<Outcome> {
        tokio::select! {
            biased;
            name = self.next() => Err(anyhow!(Interrupted(name))),
            outcome = event => outcome,
        }
    }
}
