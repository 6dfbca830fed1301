//! Owns `status`: what the driver of this node says it is doing.
//!
//! Must not look at anything itself. Invariant: whoever answers on the socket, what is printed is
//! bounded, cannot control the terminal, and comes within [`ask::LIMIT`] or not at all.

mod ask;
mod find;
mod report;
mod text;

use std::path::Path;
use std::process::ExitCode;

use svid_node::driver::Overview;

use crate::args::StatusArgs;
use crate::output;
use report::StatusReport;

pub(crate) use report::is_of;

/// Asks the driver and prints the answer. The exit code is 0 if all is well and 1 if not.
///
/// # Errors
/// The driver cannot be found or asked, or standard output is closed.
pub(crate) fn run(args: &StatusArgs) -> anyhow::Result<ExitCode> {
    let report = StatusReport::new(overview(args.socket.as_deref())?, args.pod.as_ref());
    output::print(&report, args.output, text::write)?;
    Ok(report.verdict().into())
}

/// What a driver says of itself: the one with this socket, or else the one in this container.
///
/// # Errors
/// The driver cannot be found or asked.
pub(crate) fn overview(socket: Option<&Path>) -> anyhow::Result<Overview> {
    match socket {
        Some(socket) => ask::ask(socket),
        None => ask::ask(&find::socket()?),
    }
}
