//! Owns the command line of `approver`, checked as a whole.
//!
//! Must not start anything. Invariant: every wrong value is told, not only the first.

use svid_core::identity::check_label;
use svid_core::policy::Attestation;

use super::attestation;
use super::certificates::CertificateArgs;
use super::connection::ConnectionArgs;
use super::driver::refuse_same;
use super::flags::ApproverFlags;
use super::logs::LogArgs;
use super::network::ListenAddress;
use super::problem::Problems;
use super::values;

/// The checked flags of `approver`.
#[derive(Clone, Debug)]
pub(crate) struct ApproverArgs {
    pub(crate) certificates: CertificateArgs,
    pub(crate) attestation: Attestation,
    pub(crate) auto_approve_non_spiffe: bool,
    pub(crate) lease_namespace: String,
    pub(crate) readiness: Option<ListenAddress>,
    pub(crate) metrics: Option<ListenAddress>,
    pub(crate) connection: ConnectionArgs,
    pub(crate) logs: LogArgs,
}

impl ApproverArgs {
    /// Checks all values.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(crate) fn from_flags(flags: &ApproverFlags) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let certificates = CertificateArgs::from_flags(&flags.certificates, &mut problems);
        let auto_approve = problems.check(
            "--auto-approve-non-spiffe",
            &flags.auto_approve_non_spiffe,
            values::boolean,
        );
        let attestation = attestation::from_flags(flags, &mut problems);
        let lease_namespace = problems.check(
            "--leader-election-namespace",
            &flags.leader_election_namespace,
            check_label,
        );
        let readiness = problems.check(
            "--readiness-probe-bind-address",
            &flags.readiness_probe_bind_address,
            ListenAddress::parse_optional,
        );
        let metrics = problems.check(
            "--metrics-bind-address",
            &flags.metrics_bind_address,
            ListenAddress::parse_optional,
        );
        refuse_same(
            (
                "--readiness-probe-bind-address",
                readiness.as_ref().and_then(Option::as_ref),
            ),
            (
                "--metrics-bind-address",
                metrics.as_ref().and_then(Option::as_ref),
            ),
            &mut problems,
        );
        let connection = ConnectionArgs::from_flags(&flags.connection, &mut problems);
        let logs = LogArgs::from_flags(&flags.logs, &mut problems);
        let checked = (
            certificates,
            attestation,
            auto_approve,
            lease_namespace,
            readiness,
            metrics,
            connection,
            logs,
        );
        match checked {
            (
                Some(certificates),
                Some(attestation),
                Some(auto_approve_non_spiffe),
                Some(lease_namespace),
                Some(readiness),
                Some(metrics),
                Some(connection),
                Some(logs),
            ) if problems.is_empty() => Ok(Self {
                certificates,
                attestation,
                auto_approve_non_spiffe,
                lease_namespace,
                readiness,
                metrics,
                connection,
                logs,
            }),
            _ => Err(problems),
        }
    }
}
