//! The API server, and what the caller may do there.

use svid_node::driver::RequestMode;

use super::{ADMISSION_POLICIES, judged, lacking};
use crate::check::catalogue::Check;
use crate::check::outcome::{Findings, Outcome};
use crate::check::release::Release;
use crate::check::snapshot::{Snapshot, Version};

pub(super) fn judge(seen: &Snapshot) -> Vec<Outcome> {
    let mut outcomes = vec![judged(Check::KubernetesVersion, |findings| {
        match &seen.version {
            Ok(version) => judge_version(findings, seen, version),
            Err(unseen) => findings.unseen(unseen),
        }
    })];
    if seen.is_before {
        outcomes.push(judged(Check::MayInstall, |findings| {
            lacking(findings, &seen.rights.installer);
        }));
    }
    outcomes
}

fn judge_version(findings: &mut Findings, seen: &Snapshot, version: &Version) {
    let shown = version.git_version.beginning();
    let Some(minor) = version.minor() else {
        return findings.partly(format!("the version {shown:?} cannot be read"));
    };
    let driver = seen.release.as_ref().ok().and_then(Release::driver);
    let attests = driver.is_some_and(|one| one.installation.requester == RequestMode::Driver);
    if minor < OLDEST {
        findings.error(format!(
            "{shown}: the kubelets before 1.29 cannot register the driver"
        ));
    } else if minor < ADMISSION_POLICIES && attests {
        findings.error(format!("{shown}: node-attested mode needs 1.30"));
    } else if minor < ADMISSION_POLICIES {
        findings.warning(format!(
            "{shown} has no admission policies, which came with 1.30"
        ));
    }
}

/// Minor version of Kubernetes, as in the chart's `kubeVersion`; docs/compatibility.md has the reason.
const OLDEST: u32 = 29;
