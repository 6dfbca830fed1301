//! Owns the command line: from `argv` to the roles' own configurations, or to everything that is
//! wrong with it.
//!
//! Must not know what a value is used for, and starts nothing. Invariant: the result is valid, so
//! that nothing after it looks at a flag again.
//!
//! clap would stop at the first wrong value and exit with 2; so [`flags`] accepts text, and
//! [`driver`] and [`approver`] check every flag before reporting any error. The rule for a value is
//! part of its type, in the crate that needs it.

mod annotations;
mod approver;
mod attestation;
mod certificates;
mod check;
mod command_line;
mod connection;
mod driver;
mod file_names;
mod flags;
mod inspect;
mod logs;
mod network;
mod paths;
mod problem;
mod role;
mod status;
mod values;

use std::ffi::OsString;

use clap_complete::Shell;
use flags::CommandFlags;

pub(crate) use check::{CheckArgs, Stage};
pub(crate) use command_line::NoFlags;
pub(crate) use connection::{ConnectionArgs, Impersonation};
pub(crate) use flags::DEFAULT_DRIVER;
pub(crate) use inspect::{InspectArgs, InspectTarget, Stay};
pub(crate) use logs::{LogArgs, LogFormat};
pub(crate) use network::ListenAddress;
pub(crate) use problem::Problems;
pub(crate) use role::Role;
pub(crate) use status::{PodName, StatusArgs, socket_of_driver};
pub(crate) use values::Output;

/// The command to run, every value checked.
#[derive(Debug)]
pub(crate) enum Command {
    Driver(Box<Role<svid_node::driver::Configuration>>),
    Approver(Box<Role<svid_approver::Configuration>>),
    Status(StatusArgs),
    Inspect(Box<InspectArgs>),
    Check(Box<CheckArgs>),
    #[cfg(feature = "demo")]
    Demo(crate::demo::DemoFlags),
    Version(Output),
    Completions(Shell),
}

/// Reads and checks a whole command line, program name first.
///
/// # Errors
/// [`NoFlags`]: help was requested, or something is wrong.
pub(crate) fn parse(arguments: Vec<OsString>) -> Result<Command, NoFlags> {
    let (flags, mut problems) = command_line::read(arguments)?;
    let mut others = Problems::default();
    let command = checked(flags, &mut others);
    problems.append(others);
    match command {
        Some(command) if problems.is_empty() => Ok(command),
        _ => Err(NoFlags::Wrong(problems)),
    }
}

/// Every command and flag, for what is made of them.
pub(crate) fn definition() -> clap::Command {
    flags::command()
}

fn checked(flags: CommandFlags, problems: &mut Problems) -> Option<Command> {
    Some(match flags {
        CommandFlags::Driver(flags) => {
            Command::Driver(Box::new(driver::from_flags(&flags, problems)?))
        }
        CommandFlags::Approver(flags) => {
            Command::Approver(Box::new(approver::from_flags(&flags, problems)?))
        }
        CommandFlags::Status(flags) => Command::Status(StatusArgs::from_flags(&flags, problems)?),
        CommandFlags::Inspect(flags) => {
            Command::Inspect(Box::new(InspectArgs::from_flags(&flags, problems)?))
        }
        CommandFlags::Check(flags) => {
            Command::Check(Box::new(CheckArgs::from_flags(&flags, problems)?))
        }
        #[cfg(feature = "demo")]
        CommandFlags::Demo(flags) => Command::Demo(flags),
        CommandFlags::Version(flags) => {
            let output = problems.check("--output", &flags.output, values::output);
            Command::Version(output?)
        }
        CommandFlags::Completions(flags) => {
            Command::Completions(problems.check("SHELL", &flags.shell, values::shell)?)
        }
    })
}

#[cfg(test)]
mod tests;
