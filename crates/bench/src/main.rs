//! What the product costs on a real API server, compared with a client that does only the same
//! minimal work: `cargo xtask bench`.
//!
//! Owns the measurements. Both sides are measured in turn, in one run, against the same API server
//! and the same cert-manager, and every figure is the median of several rounds, with its spread.
//! The product is measured from outside: latency from the caller's side of the CSI socket, memory
//! and processor time from proc(5). Nothing here asserts: the reader compares the figures, or an
//! earlier run is given as the baseline.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

mod approver;
mod arguments;

mod csi;
mod floor;
mod place;
mod report;
mod roles;
mod rounds;
mod sample;
mod watch;
mod workloads;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::Arguments;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match rounds::run(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}
