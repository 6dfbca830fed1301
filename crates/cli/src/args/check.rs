//! Owns the command line of `check`.
//!
//! Must not connect to anything. Invariant: as for the other commands, all problems are reported at
//! once.

use std::time::Duration;

use clap::Args;
use svid_core::names::{DriverName, check_label, check_subdomain};
use svid_core::policy::IssuerReference;

use super::connection::ConnectionArgs;
use super::flags::ConnectionFlags;
use super::problem::Problems;
use super::values::{self, Output};

/// Flags of `check`.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    next_help_heading = "Check",
    after_help = "From a desk: csi-driver-spiffe check. Before the chart is installed: csi-driver-spiffe check \
        --pre -n cert-manager --issuer-name=spiffe-ca\n\n\
        It reads, asks who may do what (SubjectAccessReview), and writes nothing.\n\n\
        Exit codes: 0 all is well, 1 something must be mended, 2 something could not be looked at and \
        what was seen is well, 64 wrong flags."
)]
pub(crate) struct CheckFlags {
    /// Look at what the chart needs, before it is installed
    #[arg(long, value_name = "BOOL")]
    pre: String,
    /// Name of the CSI driver, as it is installed in Kubernetes
    #[arg(
        long,
        value_name = "NAME",
        default_value = "spiffe.csi.cert-manager.io"
    )]
    driver: String,
    /// Look again until all is well, for as long as this, e.g. 60s
    #[arg(long, value_name = "DURATION", default_value = "0")]
    wait: String,
    /// Form of the answer: text or json
    #[arg(long, short = 'o', value_name = "FORMAT", default_value = "text")]
    output: String,
    /// With --pre: name of the issuer that is to sign; empty: issuers are not looked at
    #[arg(long, value_name = "NAME")]
    issuer_name: String,
    /// With --pre: kind of that issuer
    #[arg(long, value_name = "KIND", default_value = "ClusterIssuer")]
    issuer_kind: String,
    /// With --pre: API group of that issuer
    #[arg(long, value_name = "GROUP", default_value = "cert-manager.io")]
    issuer_group: String,

    #[command(flatten, next_help_heading = "Kubernetes")]
    connection: ConnectionFlags,
}

/// Help of `--namespace`, which the other commands only accept.
pub(super) const NAMESPACE: &str =
    "Namespace of the release; empty: the one it is found in, with --pre cert-manager";

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
