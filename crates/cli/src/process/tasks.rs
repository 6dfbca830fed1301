//! Owns the end of a process: signals, and tasks that are joined.
//!
//! Must not know what the tasks do. Invariant: the first task to end ends the process, with its
//! error; no task outlives [`Tasks::run`], and none keeps it longer than the grace period.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long tasks have to end after a signal. Kubernetes kills after 30 s unless configured
/// otherwise.
pub(crate) const GRACE: Duration = Duration::from_secs(25);

/// SIGTERM and SIGINT of this process, caught from when this is made.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Starts catching.
    ///
    /// # Errors
    /// The kernel refused a handler.
    pub(crate) fn catch() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("catching SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("catching SIGINT")?,
        })
    }

    /// Waits for the next signal, and returns its name.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// The tasks of a process, and the token that asks them to end.
pub(crate) struct Tasks {
    shutdown: CancellationToken,
    tasks: JoinSet<(&'static str, anyhow::Result<()>)>,
}

impl Tasks {
    /// No tasks yet.
    pub(crate) fn new() -> Self {
        Self {
            shutdown: CancellationToken::new(),
            tasks: JoinSet::new(),
        }
    }

    /// Starts a task. It must end soon after the token that it gets is cancelled, and not before.
    pub(crate) fn spawn<Task>(
        &mut self,
        name: &'static str,
        start: impl FnOnce(CancellationToken) -> Task,
    ) where
        Task: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let task = start(self.shutdown.clone());
        self.tasks.spawn(async move { (name, task.await) });
    }

    /// Runs until a signal or the end of the first task, then asks the others to end and joins
    /// them.
    ///
    /// # Errors
    /// A task failed, or ended unasked; tasks did not end within the grace period; a second signal.
    pub(crate) async fn run(mut self, mut signals: Signals) -> anyhow::Result<()> {
        let first = tokio::select! {
            name = signals.next() => {
                tracing::info!(signal = name, "shutting down");
                Ok(())
            }
            Some(ended) = self.tasks.join_next() => self.judge(ended),
        };
        self.shutdown.cancel();
        let rest = tokio::select! {
            rest = self.join() => rest,
            name = signals.next() => Err(anyhow!("stopped immediately by a second signal, {name}")),
            () = tokio::time::sleep(GRACE) => {
                Err(anyhow!("tasks did not end within {} s", GRACE.as_secs()))
            }
        };
        self.tasks.abort_all();
        match (first, rest) {
            (Ok(()), rest) => rest,
            (first, Ok(())) => first,
            (Err(first), Err(rest)) => {
                tracing::warn!(
                    error = format!("{rest:#}"),
                    "another task failed during shutdown"
                );
                Err(first)
            }
        }
    }

    /// Joins every task, and returns the first error.
    async fn join(&mut self) -> anyhow::Result<()> {
        let mut outcome = Ok(());
        while let Some(ended) = self.tasks.join_next().await {
            let ended = self.judge(ended);
            if outcome.is_ok() {
                outcome = ended;
            }
        }
        outcome
    }

    fn judge(
        &self,
        ended: Result<(&'static str, anyhow::Result<()>), tokio::task::JoinError>,
    ) -> anyhow::Result<()> {
        let (name, outcome) = ended.context("a task panicked")?;
        outcome.with_context(|| name.to_owned())?;
        if !self.shutdown.is_cancelled() {
            bail!("{name} ended unexpectedly");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn outcome(tasks: Tasks) -> String {
        match tasks.run(Signals::catch().unwrap()).await {
            Ok(()) => "ok".to_owned(),
            Err(error) => format!("{error:#}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_task_to_fail_ends_the_others_and_gives_the_error() {
        let mut tasks = Tasks::new();
        let (told, mut ended) = tokio::sync::oneshot::channel();
        tasks.spawn("patient", |shutdown| async move {
            shutdown.cancelled().await;
            told.send(()).map_err(|()| anyhow!("nobody listens"))
        });
        tasks.spawn("server", |_shutdown| async { bail!("the port is taken") });

        assert_eq!(outcome(tasks).await, "server: the port is taken");
        assert_eq!(ended.try_recv(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_ends_unasked_is_an_error() {
        let mut tasks = Tasks::new();
        tasks.spawn("watch", |_shutdown| async { Ok(()) });

        assert_eq!(outcome(tasks).await, "watch ended unexpectedly");
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_end_is_left_behind_after_the_grace_period() {
        let mut tasks = Tasks::new();
        tasks.spawn("stuck", |_shutdown| std::future::pending());
        tasks.spawn("server", |_shutdown| async { bail!("broken") });
        let start = tokio::time::Instant::now();

        assert_eq!(outcome(tasks).await, "server: broken");
        assert_eq!(start.elapsed(), GRACE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_is_told_as_an_error() {
        let mut tasks = Tasks::new();
        tasks.spawn("careless", |_shutdown| async { panic!("oh") });

        assert!(outcome(tasks).await.starts_with("a task panicked"));
    }
}
