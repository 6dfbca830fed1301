//! A mount namespace for all tests, and further ones for drivers that run in containers.

use std::process::{Command, ExitCode, Stdio};

pub(crate) fn are_ours() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Runs this program again where it may mount.
pub(crate) fn enter() -> ExitCode {
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
        eprintln!("the flows over the embedded cluster cannot run here: {refusal}\n{ADVICE}");
        return ExitCode::FAILURE;
    }
    let own = std::env::current_exe().unwrap();
    let arguments = std::env::args_os().skip(1);
    let status = unshare().arg(own).args(arguments).env(INSIDE, "1").status();
    if status.unwrap().success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

const INSIDE: &str = "CSI_DRIVER_SPIFFE_FLOW_TESTS_INSIDE";
const ADVICE: &str = "They need `unshare` of util-linux and the right to make a mount namespace:
  - not found: install util-linux;
  - as a plain user: `sysctl -w kernel.unprivileged_userns_clone=1` (Debian), or
    `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0` (Ubuntu), or
    `sysctl -w user.max_user_namespaces=10000`;
  - as root in a container: run it with CAP_SYS_ADMIN (`--privileged`), or as a plain user.";
