//! Owns the step from a command line to a command, and from the command's end to an exit code.
//!
//! Must not know what a command does. Invariant: the only place that writes an error for the user
//! and chooses the exit code.

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use svid_core::text::one_line;

use crate::args::{self, Command, NoFlags, Problems};
use crate::output::{self, UNSEEN};
use crate::version::{self, BUILD};
use crate::{approver, check, completions, driver, inspect, status};

/// Exit code of a command that failed while it ran.
const FAILED: u8 = 1;

/// Bytes. What others wrote into an error is shorter; a path of ours may be this long.
const LONGEST_ERROR: usize = 8 * 1024;

/// Exit code of a command line that cannot be run (`EX_USAGE` of sysexits(3)).
const USAGE: u8 = 64;

/// Runs the command that the arguments (program name first) name.
pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    #[cfg(feature = "demo")]
    if let Err(error) = crate::demo::follow_parent_if_told() {
        complain(&format!("csi-driver-spiffe: {error}"));
        return ExitCode::from(FAILED);
    }
    let command = match args::parse(arguments) {
        Ok(command) => command,
        Err(NoFlags::Shown(help)) => return print_help(&help, ExitCode::SUCCESS),
        Err(NoFlags::Missing(help)) => return print_help(&help, ExitCode::from(USAGE)),
        Err(NoFlags::Wrong(problems)) => return refuse(&problems),
    };
    let only_looks = matches!(
        command,
        Command::Status(_) | Command::Inspect(_) | Command::Check(_)
    );
    let failed = if only_looks { UNSEEN } else { FAILED };
    let outcome = match command {
        Command::Driver(role) => driver::run(*role).map(|()| ExitCode::SUCCESS),
        Command::Approver(role) => approver::run(*role).map(|()| ExitCode::SUCCESS),
        Command::Status(args) => status::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Check(args) => check::run(&args),
        #[cfg(feature = "demo")]
        Command::Demo(flags) => crate::demo::run(&flags).map(|()| ExitCode::SUCCESS),
        Command::Version(form) => {
            output::print(&BUILD, form, version::write).map(|()| ExitCode::SUCCESS)
        }
        Command::Completions(shell) => completions::print(shell).map(|()| ExitCode::SUCCESS),
    };
    outcome.unwrap_or_else(|error| {
        let error = one_line(&format!("{error:#}"), LONGEST_ERROR);
        complain(&format!("csi-driver-spiffe: {error}"));
        ExitCode::from(failed)
    })
}

/// Requested help goes to standard output, other help to standard error: clap knows which it is.
fn print_help(help: &clap::Error, code: ExitCode) -> ExitCode {
    match help.print() {
        Ok(()) => code,
        Err(_closed) => ExitCode::from(FAILED),
    }
}

fn refuse(problems: &Problems) -> ExitCode {
    let flags = match problems.len() {
        1 => "1 flag or argument is invalid".to_owned(),
        count => format!("{count} flags or arguments are invalid"),
    };
    let lines: String = problems
        .iter()
        .map(|problem| format!("\n  {problem}"))
        .collect();
    complain(&format!(
        "csi-driver-spiffe: {flags}, nothing was started:{lines}"
    ));
    ExitCode::from(USAGE)
}

fn complain(text: &str) {
    // If standard error is closed, there is nowhere left to report it.
    drop(writeln!(anstream::stderr(), "{text}"));
}
