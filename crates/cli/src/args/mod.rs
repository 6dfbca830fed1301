//! Owns the command line: from `argv` to typed values, or to everything that is wrong with it.
//!
//! Must not know what a value is used for, and starts nothing. Invariant: what comes out is valid, so
//! that nothing after it looks at a flag again.
//!
//! clap would stop at the first wrong value and exit with 2; so [`flags`] takes text, and [`driver`] and
//! [`approver`] judge all of it before anyone is told.

mod annotations;
mod approver;
mod attestation;
mod certificates;
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
mod values;

use std::ffi::OsString;

use flags::CommandFlags;

pub(crate) use approver::ApproverArgs;
pub(crate) use command_line::NoFlags;
pub(crate) use connection::{ConnectionArgs, Impersonation};
pub(crate) use driver::DriverArgs;
pub(crate) use inspect::{InspectArgs, Output};
pub(crate) use logs::{LogArgs, LogFormat};
pub(crate) use network::ListenAddress;
pub(crate) use problem::Problems;

/// What to do, every value checked.
#[derive(Debug)]
pub(crate) enum Command {
    Driver(Box<DriverArgs>),
    Approver(Box<ApproverArgs>),
    Inspect(InspectArgs),
    #[cfg(feature = "demo")]
    Demo(crate::demo::DemoFlags),
    Version,
}

/// Reads and checks a whole command line, program name first.
///
/// # Errors
/// [`NoFlags`]: help was asked for, or something is wrong.
pub(crate) fn parse(arguments: Vec<OsString>) -> Result<Command, NoFlags> {
    let (flags, mut problems) = command_line::read(arguments)?;
    match check(flags) {
        Ok(command) if problems.is_empty() => return Ok(command),
        Ok(_) => {}
        Err(others) => problems.append(others),
    }
    Err(NoFlags::Wrong(problems))
}

fn check(flags: CommandFlags) -> Result<Command, Problems> {
    match flags {
        CommandFlags::Driver(flags) => {
            DriverArgs::from_flags(&flags).map(|args| Command::Driver(Box::new(args)))
        }
        CommandFlags::Approver(flags) => {
            ApproverArgs::from_flags(&flags).map(|args| Command::Approver(Box::new(args)))
        }
        CommandFlags::Inspect(flags) => InspectArgs::from_flags(&flags).map(Command::Inspect),
        #[cfg(feature = "demo")]
        CommandFlags::Demo(flags) => Ok(Command::Demo(flags)),
        CommandFlags::Version => Ok(Command::Version),
    }
}

#[cfg(test)]
mod tests;
