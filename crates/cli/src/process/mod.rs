//! Owns what this process is to the kernel: its threads, its signals, its memory, its end.
//!
//! Must not know what the process does. Invariant: every task is joined, and the first to end ends the process.

mod hardening;
mod identity;
mod runtime;
mod tasks;

pub(crate) use hardening::keep_memory_private;
pub(crate) use identity::unique_name;
pub(crate) use runtime::run_to_end;
pub(crate) use tasks::{Signals, Tasks};
