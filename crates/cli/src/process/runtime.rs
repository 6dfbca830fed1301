//! Owns the event loop.

use std::future::Future;
use std::time::Duration;

use anyhow::Context as _;
use tokio::runtime::Builder;

/// Runs a command on an event loop of its own, and leaves nothing of it running.
///
/// # Errors
/// The command's; or threads cannot be started.
pub(crate) fn run_to_end<T>(command: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_name("csi-driver-spiffe")
        .enable_all()
        .build()
        .context("starting the event loop")?;
    let outcome = runtime.block_on(command);
    runtime.shutdown_timeout(LAST_BLOCKING_CALL);
    outcome
}

/// Two, so that one slow step delays nothing else; more would only cost memory, since nearly all of
/// the time is waiting.
const WORKERS: usize = 2;

/// How long a blocking call, such as one on a mount, may still take at the end.
const LAST_BLOCKING_CALL: Duration = Duration::from_secs(1);
