//! csi-driver-spiffe: X.509-SVIDs for pods. One binary, one module per command.
//!
//! Owns the wiring: flags, logs, clients, sockets for probes, signals. What the commands do is in
//! the crates `svid-node` and `svid-approver`; nothing here decides about an identity.

mod admin;
mod approver;
mod args;
mod check;
mod command;
mod completions;
#[cfg(feature = "demo")]
mod demo;
mod driver;
mod inspect;
mod kubernetes;
mod logs;
mod metrics;
mod output;
mod process;
mod status;
mod version;

fn main() -> std::process::ExitCode {
    command::run(std::env::args_os().collect())
}
