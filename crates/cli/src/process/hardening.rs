//! Owns what keeps private keys of pods from leaving this process other than by their files.
//!
//! Must not know any key. Invariant: called before the first key is made.

use anyhow::Context as _;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Keeps this process from writing a core dump, and processes of the same user from reading its
/// memory.
///
/// # Errors
/// The kernel refused; then no key may be made.
pub(crate) fn keep_memory_private() -> anyhow::Result<()> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).context("forbidding core dumps")?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .context("keeping the memory unreadable for others")
}
