//! Owns the command line of `approver`: from its flags to the approver's configuration.
//!
//! Must not start anything. Invariant: every wrong value is reported, not only the first.

use std::collections::BTreeMap;
use std::sync::Arc;

use svid_api::certmanager::StoredAnnotations;
use svid_approver::{Configuration, OrdinaryRequests};
use svid_core::names::check_label;
use svid_core::policy::ExtraAnnotations;

use super::certificates::Certificates;
use super::connection::ConnectionArgs;
use super::flags::ApproverFlags;
use super::logs::LogArgs;
use super::problem::{Problems, Wrong};
use super::role::{Role, ServerFlags, Servers};
use super::{annotations, attestation, values};

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
    let mut warnings = Vec::new();
    let extra_annotations = extra_annotations(flags, problems, &mut warnings);
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
            extra_annotations: Arc::new(extra_annotations),
            ordinary_requests: ordinary_requests?,
            leader_election_namespace: leader_election_namespace?,
        },
        servers: servers?,
        connection: connection?,
        logs: logs?,
        warnings,
    })
}

/// Reads both flags about annotations. The first is read as the driver reads it, so that both take
/// the same value for the same annotations; of the other each occurrence is a value of its own.
fn extra_annotations(
    flags: &ApproverFlags,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> ExtraAnnotations {
    let (current, former) = (
        &flags.extra_certificate_request_annotations,
        &flags.former_certificate_request_annotations,
    );
    let mut read = |flag, occurrences: &[String]| {
        let annotations = annotations::parse(flag, occurrences, problems, warnings);
        if let Err(wrong) = can_be_compared(&annotations) {
            problems.add_without_value(flag, wrong);
        }
        annotations
    };
    let listed = ExtraAnnotations::Listed {
        current: read(annotations::EXTRA, current),
        former: former
            .iter()
            .map(|one| read(FORMER, std::slice::from_ref(one)))
            .collect(),
    };
    if !current.is_empty() {
        return listed;
    }
    if !former.is_empty() {
        let what = format!("needs {}", annotations::EXTRA);
        problems.add_without_value(FORMER, Wrong::new(what, "both, or neither"));
    }
    ExtraAnnotations::Unlisted
}

/// Whether a request with these can be told from others: of annotations, the approver reads a few,
/// and beside the administrator's there may be the one that kubectl writes.
fn can_be_compared(annotations: &BTreeMap<String, String>) -> Result<(), Wrong> {
    let (most, longest) = (
        StoredAnnotations::MOST_OTHERS - 1,
        StoredAnnotations::MOST_VALUE,
    );
    let allowed = format!("at most {most} annotations, with values of at most {longest} bytes");
    let count = annotations.len();
    if count > most {
        return Err(Wrong::new(format!("has {count} annotations"), allowed));
    }
    match annotations.iter().find(|(_, value)| value.len() > longest) {
        Some((key, _)) => Err(Wrong::new(
            format!("has too long a value for {key}"),
            allowed,
        )),
        None => Ok(()),
    }
}

const FORMER: &str = "--former-certificate-request-annotations";
