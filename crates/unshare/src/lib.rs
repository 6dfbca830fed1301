//! Owns the step into a mount namespace, where mounts are nobody else's business and end with
//! whoever made them: the demo, or a test.
//!
//! Must not know what is mounted, and must not be in the image. Invariant: when [`enter`] returns
//! without an error, this process is in another mount namespace than the program that the user
//! started, and may mount in it.
//!
//! Entering one by a system call needs a process with a single thread and `unsafe` code, so
//! util-linux' `unshare` does it and starts this program again: in a mount namespace as root, in a
//! user and mount namespace as anybody else. It takes the place of this process, so the process
//! id, the terminal and the signals stay the same.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::{fs, io};

/// Why there is no mount namespace to mount in.
#[derive(Debug, thiserror::Error)]
pub enum NamespaceError {
    /// The kernel, or the lack of util-linux, forbids it; [`ADVICE`] says what to do.
    #[error("mounting is not allowed here: {0}")]
    Forbidden(String),
    /// The variable by which this program knows that it was started again is set, and it was not.
    #[error(
        "{LEFT} is set, but this is still the mount namespace that should have been left: \
        unset it"
    )]
    NotLeft,
    /// The kernel's name for the namespace cannot be read.
    #[error("reading /proc/self/ns/mnt (is /proc mounted?)")]
    Unnamed(#[source] io::Error),
    /// This program could not be started again.
    #[error("starting this program again by unshare")]
    Start(#[source] io::Error),
}

/// Goes on in a mount namespace of its own. Does not return in the process that is not in one yet.
///
/// # Errors
/// It is forbidden here; the error says what to do.
pub fn enter() -> Result<(), NamespaceError> {
    let own = fs::read_link("/proc/self/ns/mnt").map_err(NamespaceError::Unnamed)?;
    let own = own.into_os_string();
    match std::env::var_os(LEFT) {
        Some(left) if left == own => Err(NamespaceError::NotLeft),
        Some(_) => Ok(()),
        None => Err(go_again(&own)),
    }
}

/// Returns only if it failed.
fn go_again(left: &OsString) -> NamespaceError {
    let ways = if rustix::process::geteuid().is_root() {
        // Root in a container may lack the right to the first and yet have the second, as anybody
        // has.
        [MOUNT, USER_AND_MOUNT].as_slice()
    } else {
        &[USER_AND_MOUNT]
    };
    let mut refusals = Vec::new();
    for flags in ways {
        // Tried before, since there is nobody to give advice once this program has been replaced.
        match refusal(flags) {
            None => return replace(flags, left),
            Some(refusal) => refusals.push(refusal),
        }
    }
    refusals.dedup();
    NamespaceError::Forbidden(refusals.join("; "))
}

/// Why this way is closed, if it is.
fn refusal(flags: &[&str]) -> Option<String> {
    match unshare(flags).arg("true").stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Some(format!("unshare: {error}")),
    }
}

/// Starts this program again in the place of this process. Returns only if it failed.
fn replace(flags: &[&str], left: &OsString) -> NamespaceError {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return NamespaceError::Start(error),
    };
    let arguments = std::env::args_os().skip(1);
    let mut command = unshare(flags);
    NamespaceError::Start(command.arg(program).args(arguments).env(LEFT, left).exec())
}

fn unshare(flags: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command.args(flags).args(["--propagation", "private"]);
    command
}

const MOUNT: &[&str] = &["--mount"];
const USER_AND_MOUNT: &[&str] = &["--user", "--map-root-user", "--mount"];

/// The environment variable that holds the name of the mount namespace that was left.
const LEFT: &str = "CSI_DRIVER_SPIFFE_LEFT";

/// What to do where it is forbidden.
pub const ADVICE: &str =
    "It needs `unshare` from util-linux and permission to create a mount namespace:
  - not found: install util-linux;
  - as a plain user: `sysctl -w kernel.unprivileged_userns_clone=1` (Debian), or
    `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0` (Ubuntu), or
    `sysctl -w user.max_user_namespaces=10000`;
  - as root in a container: run it with CAP_SYS_ADMIN (`--privileged`), or as a plain user.
";
