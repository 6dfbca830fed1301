//! Owns how many files this process may have open, sockets included.
//!
//! Must not know what they are opened for. Invariant: called before anything is bound.
//!
//! Container runtimes start a process with a soft limit of 1,024, for the sake of programs that use
//! select(2), and leave it to the process to raise it. Programs in Go do so by themselves.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit to the hard one. If that fails, the process continues with what it has.
pub(crate) fn raise_limit_of_open_files() {
    let limits = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limits.maximum,
        maximum: limits.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => tracing::debug!(
            from = limits.current,
            to = raised.current,
            "raised the open file limit"
        ),
        Err(error) => tracing::warn!(
            error = %io::Error::from(error),
            limit = limits.current,
            "cannot raise the open file limit; many volumes may exhaust it"
        ),
    }
}
