//! Owns the process as the kernel sees it: its threads, its signals, its memory, its open files,
//! its end.
//!
//! Must not know what the process does. Invariant: every task is joined, and the first to end ends
//! the process.

mod hardening;
mod identity;
mod open_files;
mod runtime;
mod tasks;

pub(crate) use hardening::keep_memory_private;
pub(crate) use identity::unique_name;
pub(crate) use open_files::raise_limit_of_open_files;
pub(crate) use runtime::run_to_end;
pub(crate) use tasks::{Signals, Tasks};
