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

use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    if let Some(code) = acts::perform_if_told() {
        return code;
    }
    if std::env::var_os(INSIDE).is_none() {
        return enter();
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

/// Runs this program again where it may mount.
fn enter() -> ExitCode {
    let flags: &[&str] = if rustix::process::geteuid().is_root() {
        &["--mount"]
    } else {
        &["--user", "--map-root-user", "--mount"]
    };
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(flags).args(["--propagation", "private"]);
        command
    };
    let probe = unshare().arg("true").stdin(Stdio::null()).output();
    let refusal = match probe {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Some(format!("unshare: {error}")),
    };
    if let Some(refusal) = refusal {
        eprintln!("the mount tests cannot run here: {refusal}\n{ADVICE}");
        return ExitCode::FAILURE;
    }
    let run = std::env::current_exe().and_then(|own| {
        unshare()
            .arg(own)
            .args(std::env::args_os().skip(1))
            .env(INSIDE, "1")
            .status()
    });
    match run {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the mount tests cannot run themselves again: {error}");
            ExitCode::FAILURE
        }
    }
}

const INSIDE: &str = "SVID_NODE_MOUNT_TESTS_INSIDE";
const ADVICE: &str = "They need `unshare` of util-linux and the right to make a mount namespace:
  - not found: install util-linux;
  - as a plain user: `sysctl -w kernel.unprivileged_userns_clone=1` (Debian), or
    `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0` (Ubuntu), or
    `sysctl -w user.max_user_namespaces=10000`;
  - as root in a container: run it with CAP_SYS_ADMIN (`--privileged`), or as a plain user.";
