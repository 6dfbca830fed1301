//! The driver: its CSIDriver, its DaemonSet, its rights.

use svid_node::driver::{Configuration, RequestMode};

use super::{judged, lacking, minor, seconds};
use crate::check::catalogue::Check;
use crate::check::look::objects::{CsiDriver, DaemonSet, Pod};
use crate::check::outcome::{Findings, Outcome};
use crate::check::snapshot::Snapshot;

pub(super) fn judge(seen: &Snapshot) -> Vec<Outcome> {
    let Ok(release) = &seen.release else {
        return Vec::new();
    };
    let Some(role) = release.driver.one() else {
        return Vec::new();
    };
    let mut outcomes = vec![
        judged(Check::CsiDriverFields, |findings| match &seen.csi_driver {
            Ok(Some(object)) => judge_fields(findings, seen, object, release.driver()),
            Ok(None) => findings.error(format!("there is no CSIDriver {}", seen.driver)),
            Err(unseen) => findings.unseen(unseen),
        }),
        judged(Check::DriverCreated, |findings| {
            judge_creation(findings, seen, &role.object);
        }),
        judged(Check::DriverRolledOut, |findings| {
            judge_rollout(findings, seen, &role.object);
        }),
    ];
    if release.driver().is_some() {
        outcomes.push(judged(Check::DriverRights, |findings| {
            lacking(findings, &seen.rights.driver);
        }));
    }
    outcomes
}

fn judge_fields(
    findings: &mut Findings,
    seen: &Snapshot,
    object: &CsiDriver,
    configuration: Option<&Configuration>,
) {
    let spec = &object.spec;
    if !spec.pod_info_on_mount {
        findings.error("podInfoOnMount is not true: the driver does not learn whose volume it is");
    }
    if !spec.requires_republish {
        findings.error("requiresRepublish is not true: nothing is renewed after an hour");
    }
    let mut modes = spec.volume_lifecycle_modes.kept.iter();
    if !modes.any(|mode| mode.beginning() == "Ephemeral") {
        findings.error("volumeLifecycleModes lacks Ephemeral: no pod can use it");
    }
    let mut requests = spec.token_requests.kept.iter();
    let has_token = requests.any(|request| request.audience.beginning().is_empty());
    match configuration.map(|one| one.installation.requester) {
        Some(RequestMode::Pod) if !has_token => {
            findings
                .error("tokenRequests lacks the audience \"\": the driver gets no token of a pod");
        }
        Some(RequestMode::Driver) if !spec.token_requests.kept.is_empty() => {
            findings.warning("tokenRequests is set, which node-attested mode does not use");
        }
        _ => {}
    }
    if spec.service_account_token_in_secrets && minor(seen).is_some_and(|minor| minor < 35) {
        findings.error("serviceAccountTokenInSecrets needs Kubernetes 1.35");
    }
}

/// What keeps pods of the DaemonSet from being created, as long as some are missing.
fn judge_creation(findings: &mut Findings, seen: &Snapshot, set: &DaemonSet) {
    let events = match &seen.events {
        Ok(events) => events,
        Err(unseen) => return findings.unseen(unseen),
    };
    let created = seen.pods.as_ref().map(|pods| own(pods, set).count());
    let desired = usize::try_from(set.status.desired_number_scheduled).unwrap_or_default();
    if created.is_ok_and(|created| created >= desired) {
        return;
    }
    let failed = events.iter().filter(|event| {
        event.regarding.uid.beginning() == set.metadata.uid
            && event.reason.beginning() == "FailedCreate"
            && event
                .last()
                .is_some_and(|last| seconds(last, seen.now) < RECENT_SECONDS)
    });
    if let Some(event) = failed.max_by_key(|event| event.last()) {
        findings.error(event.note.beginning());
    }
}

fn judge_rollout(findings: &mut Findings, seen: &Snapshot, set: &DaemonSet) {
    let (status, place) = (&set.status, set.metadata.place());
    let desired = status.desired_number_scheduled;
    if status.observed_generation < set.metadata.generation {
        // What the status counts is of an earlier version, or of none.
        findings.error(format!("{place}: its last change was not looked at yet"));
    } else if desired == 0 {
        findings.error(format!("{place}: no node takes its pods"));
    } else if status.number_ready < desired {
        findings.error(format!(
            "{place}: {} of {desired} pods are ready",
            status.number_ready
        ));
    } else if status.updated_number_scheduled < desired {
        findings.warning(format!(
            "{place}: {} of {desired} pods are of the last change",
            status.updated_number_scheduled
        ));
    }
    let ours = seen.pods.iter().flat_map(|pods| own(pods, set));
    for pod in ours.filter(|pod| !pod.is_ready()) {
        let (place, node) = (pod.metadata.place(), &pod.spec.node_name);
        let why = pod.waiting().map(|waiting| {
            format!(
                ": {} {}",
                waiting.reason.beginning(),
                waiting.message.beginning()
            )
        });
        findings.error(format!(
            "{place} on {node} is not ready{}",
            why.unwrap_or_default()
        ));
    }
    if let Err(unseen) = &seen.pods {
        findings.unseen(unseen);
    }
}

/// The pods of a DaemonSet.
pub(super) fn own<'a>(pods: &'a [Pod], set: &'a DaemonSet) -> impl Iterator<Item = &'a Pod> {
    let uid = &set.metadata.uid;
    pods.iter().filter(move |pod| pod.metadata.is_owned_by(uid))
}

/// How long a failure to create a pod is news: the controller tries again within minutes.
const RECENT_SECONDS: i64 = 600;
