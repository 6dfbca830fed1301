//! Owns the step into a mount namespace, where mounts are nobody else's business and end with the demo.
//!
//! Must not know what is mounted. Invariant: when [`enter`] returns without an error, this process is in
//! another mount namespace than the program that the user started, and may mount in it.
//!
//! Entering one by a system call needs a process with a single thread and `unsafe` code, so util-linux'
//! `unshare` does it and starts this program again: in a mount namespace as root, in a user and mount
//! namespace as anybody else. It takes the place of this process, so the process id, the terminal and the
//! signals stay the same.

use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, anyhow, bail};

/// Goes on in a mount namespace of its own. Does not return in the process that is not in one yet.
///
/// # Errors
/// It is forbidden here; the error says what to do.
pub(super) fn enter() -> anyhow::Result<()> {
    let own = own_namespace()?;
    match std::env::var_os(LEFT) {
        Some(left) if left == own => {
            bail!("{LEFT} is set, but this is the mount namespace that was to be left: unset it")
        }
        Some(_) => Ok(()),
        None => Err(go_again(&own)),
    }
}

/// Returns only if it failed.
fn go_again(left: &OsString) -> anyhow::Error {
    let ways = if rustix::process::geteuid().is_root() {
        // Root in a container may lack the right to the first and yet have the second, as anybody has.
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
    // Several lines, which the one line of an error would not keep apart; it follows in any case.
    drop(anstream::stderr().write_all(ADVICE.as_bytes()));
    refusals.dedup();
    anyhow!("the demo may not mount here: {}", refusals.join("; "))
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
fn replace(flags: &[&str], left: &OsString) -> anyhow::Error {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return anyhow!(error).context("finding this program"),
    };
    let error = unshare(flags)
        .arg(program)
        .args(std::env::args_os().skip(1))
        .env(LEFT, left)
        .exec();
    anyhow!(error).context("starting this program again by unshare")
}

fn unshare(flags: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command.args(flags).args(["--propagation", "private"]);
    command
}

/// The kernel's name for the mount namespace of this process.
fn own_namespace() -> anyhow::Result<OsString> {
    let name = fs::read_link("/proc/self/ns/mnt")
        .context("reading /proc/self/ns/mnt (is /proc mounted?)")?;
    Ok(name.into_os_string())
}

const MOUNT: &[&str] = &["--mount"];
const USER_AND_MOUNT: &[&str] = &["--user", "--map-root-user", "--mount"];

/// The environment variable that holds the name of the mount namespace that was left.
const LEFT: &str = "CSI_DRIVER_SPIFFE_DEMO_LEFT";

const ADVICE: &str = "\
The demo mounts volumes, in a mount namespace of its own. It needs `unshare` of util-linux and the right to
make such a namespace:
  - not found: install util-linux;
  - as a plain user: `sysctl -w kernel.unprivileged_userns_clone=1` (Debian), or
    `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0` (Ubuntu), or
    `sysctl -w user.max_user_namespaces=10000`;
  - as root in a container: run it with CAP_SYS_ADMIN (`--privileged`), or as a plain user.
";
