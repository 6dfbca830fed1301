//! The driver on each node: registered with its kubelet.

use std::collections::{BTreeMap, BTreeSet};

use super::driver::own;
use super::judged;
use crate::check::catalogue::Check;
use crate::check::look::objects::{CsiNode, DaemonSet, Node, Pod};
use crate::check::outcome::{Findings, Outcome};
use crate::check::snapshot::Snapshot;

pub(super) fn judge(seen: &Snapshot) -> Option<Outcome> {
    let role = seen.release.as_ref().ok()?.driver.one()?;
    let set = &role.object;
    if set.status.desired_number_scheduled == 0 {
        return None;
    }
    Some(judged(Check::NodesRegistered, |findings| {
        match (&seen.nodes, &seen.csi_nodes, &seen.pods) {
            (Ok(nodes), Ok(registered), Ok(pods)) => {
                let registered = with_driver(registered, &seen.driver);
                judge_nodes(findings, nodes, &registered, pods, set, &seen.driver);
            }
            (Err(unseen), ..) | (_, Err(unseen), _) | (.., Err(unseen)) => findings.unseen(unseen),
        }
    }))
}

/// Names of the nodes whose kubelet knows a driver.
pub(super) fn with_driver<'a>(nodes: &'a [CsiNode], driver: &str) -> BTreeSet<&'a str> {
    let registered = nodes.iter().filter(|node| {
        let mut drivers = node.spec.drivers.kept.iter();
        drivers.any(|one| one.name.beginning() == driver)
    });
    registered.map(|node| node.metadata.name.as_str()).collect()
}

fn judge_nodes(
    findings: &mut Findings,
    nodes: &[Node],
    registered: &BTreeSet<&str>,
    pods: &[Pod],
    set: &DaemonSet,
    driver: &str,
) {
    let at = |pod: &'_ Pod| pod.spec.node_name.clone();
    let drivers: BTreeMap<String, &Pod> = own(pods, set).map(|pod| (at(pod), pod)).collect();
    let users: BTreeSet<String> = pods.iter().filter(|pod| pod.uses(driver)).map(at).collect();
    for node in nodes.iter().filter(|node| takes_pods(node)) {
        let name = &node.metadata.name;
        if registered.contains(name.as_str()) {
            continue;
        }
        match drivers.get(name) {
            // That it does not run is another finding.
            Some(pod) if !pod.is_ready() => {}
            Some(pod) => findings.error(format!(
                "{name}: {} runs there, and the kubelet does not know the driver",
                pod.metadata.place()
            )),
            None => {
                let why = format!("{name} has no pod of the driver{}", taints(node));
                if users.contains(name) {
                    findings.error(format!("{why}, and pods that need it"));
                } else {
                    findings.warning(why);
                }
            }
        }
    }
}

/// Whether pods with our volumes can come to be there.
fn takes_pods(node: &Node) -> bool {
    let os = node.metadata.labels.os.beginning();
    let mut conditions = node.status.conditions.kept.iter();
    let is_down = conditions.any(|condition| {
        condition.kind.beginning() == "Ready" && condition.status.beginning() != "True"
    });
    (os.is_empty() || os == "linux") && !node.spec.unschedulable && !is_down
}

fn taints(node: &Node) -> String {
    let taints = node.spec.taints.kept.iter();
    let keys: Vec<&str> = taints
        .filter(|taint| taint.effect.beginning() != "PreferNoSchedule")
        .map(|taint| taint.key.beginning())
        .collect();
    if keys.is_empty() {
        String::new()
    } else {
        format!(" (taints: {})", keys.join(", "))
    }
}
