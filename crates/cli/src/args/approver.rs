//! Owns the command line of `approver`: from its flags to the approver's configuration.
//!
//! Must not start anything. Invariant: every wrong value is reported, not only the first.

use svid_approver::{Configuration, OrdinaryRequests};
use svid_core::names::check_label;

use super::certificates::Certificates;
use super::connection::ConnectionArgs;
use super::flags::ApproverFlags;
use super::logs::LogArgs;
use super::problem::Problems;
use super::role::{Role, ServerFlags, Servers};
use super::{attestation, values};

/// Checks all values. `None`: at least one problem was noted.
pub(super) fn from_flags(
    flags: &ApproverFlags,
    problems: &mut Problems,
) -> Option<Role<Configuration>> {
    let certificates = Certificates::from_flags(&flags.certificates, problems);
    let ordinary_requests = problems.check(
        "--auto-approve-non-spiffe",
        &flags.auto_approve_non_spiffe,
        |text| {
            values::either(
                text,
                OrdinaryRequests::LeaveAlone,
                OrdinaryRequests::Approve,
            )
        },
    );
    let driver_name = certificates.as_ref().map(|all| &all.driver_name);
    let attestation = attestation::from_flags(flags, driver_name, problems);
    let leader_election_namespace = problems.check(
        "--leader-election-namespace",
        &flags.leader_election_namespace,
        check_label,
    );
    let addresses = ServerFlags {
        probes: (
            "--readiness-probe-bind-address",
            &flags.readiness_probe_bind_address,
        ),
        metrics: &flags.metrics_bind_address,
        status: "",
    };
    let servers = Servers::from_flags(&addresses, problems);
    let connection = ConnectionArgs::from_flags(&flags.connection, problems);
    let logs = LogArgs::from_flags(&flags.logs, problems);

    let certificates = certificates?;
    Some(Role {
        configuration: Configuration {
            driver_name: certificates.driver_name,
            trust_domain: certificates.trust_domain,
            certificate_duration: certificates.duration,
            issuer: certificates.issuer,
            runtime_issuance: certificates.runtime_issuance,
            attestation: attestation?,
            ordinary_requests: ordinary_requests?,
            leader_election_namespace: leader_election_namespace?,
        },
        servers: servers?,
        connection: connection?,
        logs: logs?,
        warnings: Vec::new(),
    })
}
