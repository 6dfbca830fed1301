//! Owns the command line of `status`, and which pod and which driver it and `inspect` are about.
//!
//! Must not connect to anything. Invariant: as for the other commands, all problems are reported at
//! once.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use svid_core::names::{is_label, is_subdomain};

use super::flags::{SocketFlags, StatusFlags};
use super::problem::{Problems, Wrong};
use super::values::{self, Output};
use super::{Command, parse, paths};

/// What to ask, and how to print the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatusArgs {
    pub(crate) pod: Option<PodName>,
    /// `None`: that of the driver in this container.
    pub(crate) socket: Option<PathBuf>,
    pub(crate) output: Output,
}

/// A pod in its namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PodName {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl fmt::Display for PodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl StatusArgs {
    /// Checks all values. `None`: at least one problem was noted.
    pub(super) fn from_flags(flags: &StatusFlags, problems: &mut Problems) -> Option<Self> {
        let pod = problems.check_optional("--pod", &flags.pod, PodName::parse);
        let socket = socket(&flags.socket, problems);
        let output = problems.check("--output", &flags.output, values::output);
        Some(Self {
            pod: pod?,
            socket: socket?,
            output: output?,
        })
    }
}

impl PodName {
    /// Reads `NAMESPACE/NAME`.
    ///
    /// # Errors
    /// Not two names that Kubernetes allows.
    pub(super) fn parse(text: &str) -> Result<Self, Wrong> {
        match text.split_once('/') {
            Some((namespace, name)) if is_label(namespace) && is_subdomain(name) => Ok(Self {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            }),
            _ => Err(Wrong::new("does not name a pod", "NAMESPACE/NAME")),
        }
    }
}

/// The socket that a flag names, if one does.
pub(super) fn socket(flags: &SocketFlags, problems: &mut Problems) -> Option<Option<PathBuf>> {
    problems.check("--socket", &flags.socket, |text| {
        paths::optional(text, Path::new(""))
    })
}

/// The socket of a driver that was started with this command line, program name first. `None`: it
/// is another program's, or another command's.
pub(crate) fn socket_of_driver(arguments: Vec<OsString>) -> Option<PathBuf> {
    match parse(arguments) {
        Ok(Command::Driver(role)) => Some(role.configuration.status_socket()),
        _ => None,
    }
}
