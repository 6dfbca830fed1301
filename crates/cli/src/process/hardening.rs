//! Owns what keeps secrets in this process: at the driver private keys and tokens of pods, at the
//! approver its own token, which may approve any identity.
//!
//! Must not know any secret. Invariant: called before the first is made or read.

use anyhow::Context as _;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Keeps this process from writing a core dump, and processes of the same user from reading its
/// memory.
///
/// # Errors
/// The kernel refused; then no secret may be made or read.
pub(crate) fn keep_memory_private() -> anyhow::Result<()> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).context("disabling core dumps")?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .context("making this process's memory unreadable for others")
}
