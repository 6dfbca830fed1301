//! Owns the command line of `check`.
//!
//! Must not connect to anything. Invariant: as for the other commands, all problems are reported at
//! once.

use std::time::Duration;

use svid_core::names::{DriverName, check_label, check_subdomain};
use svid_core::policy::IssuerReference;

use super::connection::ConnectionArgs;
use super::flags::CheckFlags;
use super::problem::Problems;
use super::values::{self, Output};

/// What to look at, and how to print the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CheckArgs {
    pub(crate) connection: ConnectionArgs,
    pub(crate) driver: DriverName,
    /// The namespace of the release. `None`: wherever it is found.
    pub(crate) namespace: Option<String>,
    pub(crate) stage: Stage,
    /// For how long to look again.
    pub(crate) wait: Duration,
    pub(crate) output: Output,
}

/// Whether there is a release already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Not yet; the issuer that it is to use, if one is named.
    Before(Option<IssuerReference>),
    /// It is installed.
    After,
}

impl CheckArgs {
    /// Checks all values. `None`: at least one problem was noted.
    pub(super) fn from_flags(flags: &CheckFlags, problems: &mut Problems) -> Option<Self> {
        let pre = problems.check("--pre", &flags.pre, values::boolean);
        let driver = problems.check("--driver", &flags.driver, DriverName::parse);
        let wait = problems.check("--wait", &flags.wait, values::duration);
        let output = problems.check("--output", &flags.output, values::output);
        let issuer = problems.check_optional("--issuer-name", &flags.issuer_name, check_subdomain);
        let namespace =
            problems.check_optional("--namespace", &flags.connection.namespace, check_label);
        let connection = ConnectionArgs::from_flags(&flags.connection, problems);
        let issuer = issuer?
            .map(|name| IssuerReference::new(&name, &flags.issuer_kind, &flags.issuer_group));
        Some(Self {
            connection: connection?,
            driver: driver?,
            namespace: namespace?,
            stage: if pre? {
                Stage::Before(issuer)
            } else {
                Stage::After
            },
            wait: wait?.1,
            output: output?,
        })
    }
}
