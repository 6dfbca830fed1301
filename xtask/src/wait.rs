//! Waiting for other programs.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// Waits until a condition holds, for at most `limit`.
///
/// # Errors
/// When it does not hold in time.
pub fn wait(what: &str, limit: Duration, mut is_so: impl FnMut() -> bool) -> Result<()> {
    let end = Instant::now() + limit;
    while !is_so() {
        if Instant::now() > end {
            bail!("{what} is not so after {} s", limit.as_secs());
        }
        pause(Duration::from_millis(100));
    }
    Ok(())
}

/// Waits until an attempt succeeds, at most for `limit`, and gives its result.
///
/// # Errors
/// The last attempt's, when none succeeds in time.
pub fn eventually<T>(
    what: &str,
    limit: Duration,
    mut attempt: impl FnMut() -> Result<T>,
) -> Result<T> {
    let mut last = attempt();
    // What is waited for is in the last result, whatever becomes of the wait.
    let waited = wait(what, limit, || {
        if last.is_err() {
            last = attempt();
        }
        last.is_ok()
    });
    match waited {
        Ok(()) => last,
        Err(in_vain) => last.with_context(|| in_vain.to_string()),
    }
}

/// Sleeps for this long.
#[expect(
    clippy::disallowed_methods,
    reason = "other programs' states have no event to wait on, and there is no runtime here"
)]
pub fn pause(length: Duration) {
    std::thread::sleep(length);
}
