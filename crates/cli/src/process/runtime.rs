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
        .max_blocking_threads(BLOCKING)
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

/// Threads for calls that block: the driver lets no more of them work on volumes, divided by kind
/// of work, and there is one for names and one for the rest. Doubled, a new trust bundle on a node
/// of many volumes has twice as many callers wait for the kernel's lock on mounts.
const BLOCKING: usize = 34;

/// How long a blocking call, such as one on a mount, may still take at the end.
const LAST_BLOCKING_CALL: Duration = Duration::from_secs(1);
