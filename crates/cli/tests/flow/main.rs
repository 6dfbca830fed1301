//! The whole job: driver and approver as the separate programs that they are, over the embedded
//! cluster, with faults.
//!
//! Mounting needs rights that a test run has not, or should not use on the machine it runs on. So
//! this harness runs itself again under util-linux `unshare`, as the mount tests do. Where that is
//! not allowed the run fails, so that nobody takes silence for success.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test says what it expected by panicking"
)]

mod attested;
mod change;
mod clients;
mod documented;
mod fault;
mod first;
mod flood;
mod forged;
mod lines;
mod restart;
mod role;
mod status;
mod world;

use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use svid_unshare::ADVICE;

fn main() -> ExitCode {
    if let Err(error) = svid_unshare::enter() {
        eprintln!("the flows over the embedded cluster cannot run: {error}\n{ADVICE}");
        return ExitCode::FAILURE;
    }
    let tests = [
        first::tests(),
        attested::tests(),
        change::tests(),
        fault::tests(),
        flood::tests(),
        lines::tests(),
        restart::tests(),
        status::tests(),
    ];
    libtest_mimic::run(
        &Arguments::from_args(),
        tests.into_iter().flatten().collect(),
    )
    .exit_code()
}

/// A test is a future that panics, on an event loop of its own.
fn trial<Test>(name: &str, test: fn() -> Test) -> Trial
where
    Test: Future<Output = ()> + 'static,
{
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let ended = runtime.block_on(async { tokio::time::timeout(LONGEST, test()).await });
        runtime.shutdown_timeout(Duration::from_secs(5));
        ended.map_err(|_elapsed| format!("not over after {} s", LONGEST.as_secs()).into())
    })
}

const LONGEST: Duration = Duration::from_secs(180);
