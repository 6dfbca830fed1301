//! Owns a role that runs as a child process: this program with another command.
//!
//! Must not know what the role does. Invariant: it does not outlive the demo. It is killed when its
//! handle is dropped, and by the kernel if the demo itself is killed.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use rustix::process::{
    Pid, PidfdFlags, Signal, getpid, getppid, pidfd_open, pidfd_send_signal,
    set_parent_process_death_signal,
};
use tokio::sync::watch;

use super::folder::DemoFolder;

/// A running role.
#[derive(Debug)]
pub(super) struct Child {
    role: &'static str,
    id: u32,
    handle: OwnedFd,
    status: watch::Receiver<Option<ExitStatus>>,
    waiter: Option<JoinHandle<()>>,
}

impl Child {
    /// Starts `driver` or `approver` with these flags; its log goes to a file in the folder. Must
    /// be called on the main thread: the kernel takes the end of the thread for the end of the
    /// parent.
    ///
    /// # Errors
    /// It cannot be started.
    pub(super) fn start(
        role: &'static str,
        flags: &[String],
        folder: &DemoFolder,
    ) -> anyhow::Result<Self> {
        Self::try_start(role, flags, folder).with_context(|| format!("starting the {role}"))
    }

    fn try_start(
        role: &'static str,
        flags: &[String],
        folder: &DemoFolder,
    ) -> anyhow::Result<Self> {
        let log = File::create(folder.at(&log_name(role)))?;
        let mut process = Command::new(std::env::current_exe()?)
            .arg(role)
            .args(flags)
            // Nothing from this machine's own Kubernetes.
            .env_clear()
            .env(PARENT, getpid().to_string())
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C is for the demo, which then ends them in its own time.
            .process_group(0)
            .spawn()?;
        let handle = match open_handle(&process) {
            Ok(handle) => handle,
            Err(error) => {
                drop(process.kill().and_then(|()| process.wait()));
                return Err(error);
            }
        };
        let id = process.id();
        let (sender, status) = watch::channel(None);
        let waiter = thread::spawn(move || {
            // Fails only if something else waited for it; then the sender is dropped without a
            // status.
            if let Ok(status) = process.wait() {
                sender.send_replace(Some(status));
            }
        });
        Ok(Self {
            role,
            id,
            handle,
            status,
            waiter: Some(waiter),
        })
    }

    /// Its process id.
    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// Waits for its end, and returns it as an error: nobody asked for it.
    pub(super) async fn ended_unasked(&self) -> anyhow::Error {
        let role = self.role;
        match self.ended().await {
            Ok(status) => anyhow!("the {role} ended unexpectedly: {status}"),
            Err(error) => error,
        }
    }

    /// Asks it to end and waits.
    ///
    /// # Errors
    /// It did not end in time.
    pub(super) async fn end(self, limit: Duration) -> anyhow::Result<ExitStatus> {
        let role = self.role;
        pidfd_send_signal(&self.handle, Signal::TERM)
            .with_context(|| format!("asking the {role} to end"))?;
        let ended = tokio::time::timeout(limit, self.ended()).await;
        ended.with_context(|| format!("the {role} did not end within {} s", limit.as_secs()))?
    }

    async fn ended(&self) -> anyhow::Result<ExitStatus> {
        let mut status = self.status.clone();
        let ended = status.wait_for(Option::is_some).await;
        let ended = ended.ok().and_then(|status| *status);
        ended.with_context(|| format!("waiting for the {}", self.role))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // The handle cannot refer to any other process, even if this one has ended.
        if let Err(error) = pidfd_send_signal(&self.handle, Signal::KILL) {
            tracing::debug!(%error, role = self.role, "it had already ended");
        }
        if let Some(waiter) = self.waiter.take() {
            drop(waiter.join());
        }
    }
}

fn open_handle(process: &std::process::Child) -> anyhow::Result<OwnedFd> {
    let id = i32::try_from(process.id())?;
    let id = Pid::from_raw(id).context("it has no process id")?;
    Ok(pidfd_open(id, PidfdFlags::empty())?)
}

/// The name of a role's log in the demo's folder.
pub(super) fn log_name(role: &str) -> String {
    format!("{role}.log")
}

/// In a role that the demo started: makes the kernel kill this process when the demo is gone.
/// Elsewhere it does nothing.
///
/// # Errors
/// The kernel refused, or the demo is gone already.
pub(crate) fn follow_parent_if_told() -> io::Result<()> {
    let Some(parent) = std::env::var_os(PARENT) else {
        return Ok(());
    };
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let actual = getppid().map(|parent| parent.to_string());
    if actual.is_some_and(|actual| parent == *actual) {
        Ok(())
    } else {
        Err(io::Error::other("the demo that started this is gone"))
    }
}

/// The environment variable by which a role knows that the demo started it: the demo's process id.
const PARENT: &str = "CSI_DRIVER_SPIFFE_DEMO_PARENT";
