//! Tasks of this repository: `cargo xtask <task>`. Knows the repository and cargo; nothing that
//! ships depends on it.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]

mod chart;
mod check;
mod codegen;
mod docs;
mod sanity;
mod task;
mod walls;

use xtask::{command, image, programs, project, release, repository, wait};

fn main() -> std::process::ExitCode {
    task::run(std::env::args().skip(1))
}
