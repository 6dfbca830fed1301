//! Owns checking a volume continuously, from when it is mounted until it is to be removed.
//!
//! Must not know why. Invariant: a look that shows anything but a valid SVID of the pod is never
//! forgotten.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::actor::{Actor, Sighting};

/// A task that checks. Ends when dropped.
#[derive(Debug)]
pub(super) struct VolumeMonitor {
    findings: watch::Receiver<Findings>,
    _task: JoinSet<()>,
}

/// What was seen so far.
#[derive(Clone, Debug)]
pub(super) struct Findings {
    /// How often it was looked at.
    pub(super) looks: u64,
    /// The last look at the set before the present one, if there was one since the first look.
    pub(super) before: Option<Sighting>,
    /// The last look.
    pub(super) last: Sighting,
    /// The first look that did not show a valid SVID.
    pub(super) fault: Option<String>,
}

impl VolumeMonitor {
    /// Looks for the first time, and keeps looking from now on.
    ///
    /// # Errors
    /// The volume cannot be read now.
    pub(super) fn begin(actor: &Actor) -> std::io::Result<Self> {
        let first = actor.volume.look()?;
        let (sender, findings) = watch::channel(Findings {
            looks: 1,
            fault: first.fault(&actor.identity),
            before: None,
            last: first,
        });
        let mut task = JoinSet::new();
        task.spawn(look_on(actor.clone(), sender));
        Ok(Self {
            findings,
            _task: task,
        })
    }

    /// The current findings.
    pub(super) fn findings(&self) -> Findings {
        self.findings.borrow().clone()
    }

    /// Waits until the volume shows another certificate than the first, or until a look found a
    /// fault.
    pub(super) async fn renewed(&self) -> Findings {
        let mut findings = self.findings.clone();
        let wanted = |now: &Findings| now.before.is_some() || now.fault.is_some();
        let found = findings.wait_for(wanted).await.map(|found| found.clone());
        // The task keeps looking for as long as `self` exists.
        found.unwrap_or_else(|_ended| self.findings())
    }
}

async fn look_on(actor: Actor, sender: watch::Sender<Findings>) {
    let mut ticks = tokio::time::interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let look = actor.volume.look();
        sender.send_modify(|findings| findings.add(look, &actor));
    }
}

impl Findings {
    fn add(&mut self, look: std::io::Result<Sighting>, actor: &Actor) {
        self.looks += 1;
        let fault = match look {
            Ok(sighting) => {
                let fault = sighting.fault(&actor.identity);
                if sighting.serial() != self.last.serial() {
                    self.before = Some(self.last.clone());
                }
                self.last = sighting;
                fault
            }
            Err(error) => Some(format!("the files cannot be read: {error}")),
        };
        if self.fault.is_none() {
            self.fault = fault;
        }
    }
}

/// Often enough to catch a set that exists only for a moment.
const PACE: Duration = Duration::from_millis(25);
