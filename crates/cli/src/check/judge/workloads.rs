//! Pods with our volumes.

use std::collections::BTreeSet;

use svid_node::driver::RequestMode;

use super::nodes::with_driver;
use super::{PATIENCE_SECONDS, judged, lacking, seconds};
use crate::check::catalogue::Check;
use crate::check::look::objects::{Event, Pod, time};
use crate::check::outcome::{Findings, Outcome};
use crate::check::release::Release;
use crate::check::snapshot::Snapshot;

pub(super) fn judge(seen: &Snapshot) -> Vec<Outcome> {
    let Some(driver) = seen.release.as_ref().ok().and_then(Release::driver) else {
        return Vec::new();
    };
    let pods: Vec<&Pod> = match &seen.pods {
        Ok(pods) => {
            let ours = pods.iter();
            ours.filter(|pod| pod.uses(&seen.driver)).collect()
        }
        Err(unseen) => {
            return vec![judged(Check::PodsWaiting, |findings| {
                findings.unseen(unseen);
            })];
        }
    };
    let mut outcomes = Vec::new();
    if driver.installation.requester == RequestMode::Pod {
        outcomes.push(judged(Check::WorkloadRights, |findings| {
            lacking(findings, &seen.rights.workloads);
            judge_cut(findings, seen);
            let left_out = seen.rights.workloads_left_out;
            if left_out > 0 {
                findings.partly(format!("not looked at: {left_out} more accounts"));
            }
        }));
    }
    outcomes.push(judged(Check::WorkloadVolumes, |findings| {
        judge_cut(findings, seen);
        for pod in &pods {
            judge_volumes(findings, pod, &seen.driver);
        }
    }));
    outcomes.push(judged(Check::WebhookExempt, |findings| {
        judge_exemptions(findings, seen, &pods);
    }));
    outcomes.push(judged(Check::PodsWaiting, |findings| {
        let waiting = pods.iter().filter(|pod| waits(pod, seen));
        for pod in waiting {
            judge_waiting(findings, pod, seen);
        }
    }));
    outcomes.push(judged(Check::PodsEnding, |findings| {
        judge_ending(findings, seen, &pods);
    }));
    outcomes
}

/// Names pods whose volumes were not all read.
fn judge_cut(findings: &mut Findings, seen: &Snapshot) {
    let pods = seen.pods.iter().flatten();
    for pod in pods.filter(|pod| pod.may_use(&seen.driver)) {
        let (place, read) = (pod.metadata.place(), pod.spec.volumes.kept.len());
        findings.partly(format!(
            "not looked at: volumes of {place} after its {read}th"
        ));
    }
}

fn judge_volumes(findings: &mut Findings, pod: &Pod, driver: &str) {
    let place = pod.metadata.place();
    for (volume, csi) in pod.volumes_of(driver) {
        let name = volume.name.beginning();
        if !csi.read_only {
            findings.error(format!("{place}: the volume {name} is not readOnly"));
        }
        let containers = pod.spec.containers.kept.iter();
        let mut mounts = containers.flat_map(|container| &container.volume_mounts.kept);
        let is_part = |path: &str| !path.is_empty();
        let by_sub_path = mounts.any(|mount| {
            mount.name == volume.name
                && (is_part(mount.sub_path.beginning()) || is_part(mount.sub_path_expr.beginning()))
        });
        if by_sub_path {
            findings.warning(format!("{place}: the volume {name} is mounted by subPath"));
        }
    }
}

fn judge_exemptions(findings: &mut Findings, seen: &Snapshot, pods: &[&Pod]) {
    let namespaces = match &seen.namespaces {
        Ok(namespaces) => namespaces,
        Err(unseen) => return findings.unseen(unseen),
    };
    let ours: BTreeSet<&str> = pods
        .iter()
        .map(|pod| pod.metadata.namespace.as_str())
        .collect();
    for namespace in namespaces {
        let labels = &namespace.metadata.labels;
        let name = namespace.metadata.name.as_str();
        if labels.disable_validation.beginning() == "true" && ours.contains(name) {
            findings.warning(format!("the namespace {name} is exempt"));
        }
    }
}

/// Whether a pod has been on its node for a while and nothing of it could be started.
fn waits(pod: &Pod, seen: &Snapshot) -> bool {
    let age = time(pod.metadata.creation_timestamp.as_ref())
        .map_or(0, |created| seconds(created, seen.now));
    let is_on_node = pod.is_pending() && !pod.spec.node_name.is_empty();
    let reason = pod
        .waiting()
        .map_or("", |waiting| waiting.reason.beginning());
    let may_be_ours = match reason {
        "" | "ContainerCreating" => true,
        // Init containers run, or wait for the same volume.
        "PodInitializing" => events(pod, seen).any(is_about_volume),
        _ => false,
    };
    let is_ending = pod.metadata.deletion_timestamp.is_some();
    is_on_node && may_be_ours && !is_ending && age > PATIENCE_SECONDS
}

fn judge_waiting(findings: &mut Findings, pod: &Pod, seen: &Snapshot) {
    let place = pod.metadata.place();
    let latest = events(pod, seen).max_by_key(|event| (rank(event), event.last()));
    match (latest, &seen.events) {
        (Some(event), _) => {
            let (reason, note) = (event.reason.beginning(), event.note.beginning());
            findings.error(format!("{place}: {reason}: {note}"));
        }
        (None, Ok(_)) => findings.error(format!("{place}: no Event of it was read")),
        (None, Err(unseen)) => findings.error(format!("{place}: {unseen}")),
    }
}

fn events<'a>(pod: &'a Pod, seen: &'a Snapshot) -> impl Iterator<Item = &'a Event> {
    let all = seen.events.iter().flatten();
    all.filter(|event| event.regarding.uid.beginning() == pod.metadata.uid)
}

/// The driver says most, then the kubelet.
fn rank(event: &Event) -> u8 {
    let reason = event.reason.beginning();
    if reason.starts_with("Certificate") || reason.starts_with("TrustBundle") {
        2
    } else {
        u8::from(reason == "FailedMount")
    }
}

fn is_about_volume(event: &Event) -> bool {
    rank(event) > 0
}

/// Names pods that should be gone and whose node has no driver to unmount their volumes.
fn judge_ending(findings: &mut Findings, seen: &Snapshot, pods: &[&Pod]) {
    let is_late = |pod: &&&Pod| {
        let due = time(pod.metadata.deletion_timestamp.as_ref());
        due.is_some_and(|due| seconds(due, seen.now) > PATIENCE_SECONDS)
    };
    let late: Vec<_> = pods.iter().filter(is_late).collect();
    if late.is_empty() {
        return;
    }
    let registered = match &seen.csi_nodes {
        Ok(nodes) => with_driver(nodes, &seen.driver),
        Err(unseen) => return findings.unseen(unseen),
    };
    for pod in late {
        let (place, node) = (pod.metadata.place(), pod.spec.node_name.as_str());
        if !registered.contains(node) {
            findings.error(format!(
                "{place} should be gone; its node {node} has no driver"
            ));
        }
    }
}
