//! Driver and approver: installed, with good flags, and of one mind.

use std::fmt::Display;
use std::time::Duration;

use svid_api::bounded::Text;
use svid_approver::Configuration as ApproverConfiguration;
use svid_core::policy::{Attestation, ExtraAnnotations};
use svid_node::driver::{Configuration as DriverConfiguration, RequestMode};

use super::judged;
use crate::check::catalogue::Check;
use crate::check::look::objects::{Object, RunsPods};
use crate::check::outcome::{Findings, Outcome};
use crate::check::release::{Found, Release, Role};
use crate::check::snapshot::Snapshot;

pub(super) fn judge(seen: &Snapshot) -> Vec<Outcome> {
    let release = match &seen.release {
        Ok(release) => release,
        Err(unseen) => return vec![judged(Check::Installed, |findings| findings.unseen(unseen))],
    };
    let gone = judged(Check::GoDriverGone, |findings| {
        for place in &release.go_drivers {
            let text = format!("the DaemonSet {place} runs the Go driver of this name");
            if seen.is_before {
                findings.warning(text);
            } else {
                findings.error(text);
            }
        }
    });
    if seen.is_before {
        return vec![gone];
    }
    let mut outcomes = vec![
        gone,
        judged(Check::Installed, |findings| {
            let driver = &seen.driver;
            judge_found(findings, "DaemonSet", "driver", driver, &release.driver);
            judge_found(
                findings,
                "Deployment",
                "approver",
                driver,
                &release.approver,
            );
        }),
    ];
    let (driver, approver) = (release.driver.one(), release.approver.one());
    if driver.is_some() || approver.is_some() {
        outcomes.push(judged(Check::FlagsUnderstood, |findings| {
            if let Some(role) = driver {
                judge_flags(findings, role);
            }
            if let Some(role) = approver {
                judge_flags(findings, role);
            }
        }));
    }
    if let (Some(driver), Some(approver)) = (release.driver(), release.approver()) {
        outcomes.push(judged(Check::RolesAgree, |findings| {
            judge_agreement(findings, driver, approver);
            judge_accounts(findings, release, approver);
        }));
    }
    outcomes
}

fn judge_found<T>(findings: &mut Findings, kind: &str, role: &str, driver: &str, found: &Found<T>) {
    match found {
        Found::One(_) => {}
        Found::Nothing => findings.error(format!(
            "no {kind} runs the command {role} with --csi-driver-name={driver}"
        )),
        Found::Several(places) => findings.error(format!(
            "several run the command {role} with --csi-driver-name={driver}: {}",
            places.join(", ")
        )),
    }
}

fn judge_flags<Status, C>(findings: &mut Findings, role: &Role<Object<RunsPods, Status>, C>) {
    for problem in role.configuration.as_ref().err().into_iter().flatten() {
        let text = format!("{}: {problem}", role.object.metadata.place());
        if role.container.taken_from_elsewhere().is_some() {
            findings.partly(text);
        } else {
            findings.error(text);
        }
    }
}

fn judge_agreement(
    findings: &mut Findings,
    driver: &DriverConfiguration,
    approver: &ApproverConfiguration,
) {
    let installation = &driver.installation;
    differ(
        findings,
        "--trust-domain",
        &installation.trust_domain,
        &approver.trust_domain,
    );
    let lifetime = Duration::try_from(installation.duration).ok();
    if lifetime != Some(approver.certificate_duration) {
        findings.error(format!(
            "--certificate-request-duration: {} at the driver, {} s at the approver",
            installation.duration,
            approver.certificate_duration.as_secs()
        ));
    }
    let named = |name: Option<String>| name.unwrap_or_else(|| "none".to_owned());
    differ(
        findings,
        "the issuer",
        &named(driver.issuer.as_ref().map(ToString::to_string)),
        &named(approver.issuer.as_ref().map(ToString::to_string)),
    );
    differ(
        findings,
        "the ConfigMap of the issuer",
        &named(driver.runtime_issuance.as_ref().map(ToString::to_string)),
        &named(approver.runtime_issuance.as_ref().map(ToString::to_string)),
    );
    let of_driver = installation.requester == RequestMode::Driver;
    let of_approver = matches!(approver.attestation, Attestation::Node(_));
    differ(
        findings,
        "--use-own-service-account",
        &of_driver,
        &of_approver,
    );
    if let ExtraAnnotations::Listed { current, former } = approver.extra_annotations.as_ref() {
        let written = &installation.extra_annotations;
        if written != current && !former.contains(written) {
            findings.error(
                "--extra-certificate-request-annotations: the approver takes others than the driver writes",
            );
        }
    }
}

/// What only both objects together show.
fn judge_accounts(findings: &mut Findings, release: &Release, approver: &ApproverConfiguration) {
    let (Some(driver), Some(deployment)) = (release.driver.one(), release.approver.one()) else {
        return;
    };
    if let Attestation::Node(attestation) = &approver.attestation {
        let (runs, believed) = (driver.account.to_string(), attestation.driver.to_string());
        if runs != believed {
            findings.error(format!(
                "--driver-service-account: the approver believes {believed}, the driver runs as {runs}"
            ));
        }
    }
    let images = [&driver.container.image, &deployment.container.image];
    let [driver, approver] = images.map(Text::beginning);
    if driver != approver {
        findings.warning(format!(
            "image: {driver} of the driver, {approver} of the approver"
        ));
    }
}

fn differ<T: PartialEq + Display>(findings: &mut Findings, what: &str, driver: &T, approver: &T) {
    if driver != approver {
        findings.error(format!(
            "{what}: {driver} at the driver, {approver} at the approver"
        ));
    }
}
