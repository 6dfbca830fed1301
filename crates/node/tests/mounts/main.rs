//! What the volumes look like from a pod, a node and another mount namespace.
//!
//! Mounting needs rights that a test run has not, or should not use on the machine it runs on. So
//! this harness runs itself again under util-linux `unshare`: in a mount namespace of its own as
//! root, in a user and mount namespace as anybody else. Where that is not allowed the run fails,
//! so that nobody takes silence for success.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test says what it expected by panicking"
)]

mod acts;
mod first;
mod go_driver;
mod later;
mod namespaces;
mod node;
mod open;
mod removal;
mod table;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use svid_unshare::ADVICE;

fn main() -> ExitCode {
    if let Some(code) = acts::perform_if_told() {
        return code;
    }
    if let Err(error) = svid_unshare::enter() {
        eprintln!("the mount tests cannot run: {error}\n{ADVICE}");
        return ExitCode::FAILURE;
    }
    let tests = [
        first::tests(),
        later::tests(),
        removal::tests(),
        go_driver::tests(),
        namespaces::tests(),
        open::tests(),
    ];
    libtest_mimic::run(
        &Arguments::from_args(),
        tests.into_iter().flatten().collect(),
    )
    .exit_code()
}

/// A test is a function that panics.
fn trial(name: &str, test: fn()) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}
