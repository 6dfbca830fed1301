//! Waiting for what other programs do.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Waits until something is so, at most for `limit`.
///
/// # Errors
/// When it is not so in time.
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

/// Lets so much time pass.
#[expect(
    clippy::disallowed_methods,
    reason = "other programs' states have no event to wait on, and there is no runtime here"
)]
pub fn pause(length: Duration) {
    std::thread::sleep(length);
}
