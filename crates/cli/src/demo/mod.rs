//! Owns `demo`: both roles on one machine, over an embedded cluster, shown act by act.
//!
//! Must not decide or mount anything itself: driver and approver are this very program, started as
//! a cluster would start them, and everything that is shown is observed from outside. Invariant:
//! the exit code is 0 only if every act saw what it expected, and however the demo ends, it leaves
//! no process, mount or file behind.
//!
//! | room | owns |
//! | --- | --- |
//! | `folder` | the one folder that contains everything, and its removal |
//! | `child` | a role as a child process that does not outlive the demo |
//! | `stage` | cluster, kubelet, driver and approver, running |
//! | `actor` | a pod, its identity, and its volume as a workload sees it |
//! | `vigil` | checking a volume continuously |
//! | `tls` | a mutually authenticated connection between two actors |
//! | `acts` | what is shown, one file per act |
//! | `show` | the order of the acts, signals |
//! | `timeline` | what is printed |
//! | `unmet` | the error of an act that saw something else |

mod actor;
mod acts;
mod child;
mod folder;
mod show;
mod stage;
mod timeline;
mod tls;
mod unmet;
mod vigil;

use std::io::Write as _;

use clap::Args;
use svid_unshare::{ADVICE, NamespaceError};

use crate::process;
use folder::DemoFolder;
use timeline::Timeline;

pub(crate) use child::follow_parent_if_told;

/// Flags of `demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoFlags {
    /// Keep everything running afterwards, and print where the kubeconfig and the volumes are
    #[arg(long)]
    pub(crate) keep: bool,
}

/// Runs the demo in its own mount namespace: replaces this program with another one if it is not in
/// one yet.
///
/// # Errors
/// No mount namespace is available, something was not as expected, or a signal came.
pub(crate) fn run(flags: &DemoFlags) -> anyhow::Result<()> {
    if let Err(error) = svid_unshare::enter() {
        if let NamespaceError::Forbidden(_) = error {
            // Several lines, which would run together in the one line of an error; the error
            // follows in any case.
            drop(anstream::stderr().write_all(ADVICE.as_bytes()));
        }
        return Err(error.into());
    }
    let mut timeline = Timeline::new();
    let folder = DemoFolder::make()?;
    let outcome = process::run_to_end(show::perform(flags.keep, &folder, &mut timeline));
    let outcome = outcome.map_err(|error| timeline.failed(error, &folder));
    // After the event loop, so that nothing writes there any more.
    match (outcome, folder.remove()) {
        (Err(error), Err(left)) => Err(left.context(format!("{error:#}"))),
        (outcome, removed) => outcome.and(removed),
    }
}
