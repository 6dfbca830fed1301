//! The namespace of the release: what it would do to the driver's pods.

use super::driver::own;
use super::judged;
use crate::check::catalogue::Check;
use crate::check::look::objects::ResourceQuota;
use crate::check::outcome::{Findings, Outcome};
use crate::check::snapshot::Snapshot;

pub(super) fn judge(seen: &Snapshot) -> Vec<Outcome> {
    let driver = seen.release.as_ref().ok().map(|release| &release.driver);
    let driver = driver.and_then(|found| found.one());
    if driver.is_none() && !seen.is_before {
        return Vec::new();
    }
    let mut outcomes = vec![judged(Check::PodSecurity, |findings| {
        judge_pod_security(findings, seen);
    })];
    let limit = driver.and_then(|role| role.container.resources.limits.memory.as_ref());
    if limit.is_none() || seen.is_before {
        outcomes.push(judged(Check::LimitRange, |findings| {
            judge_limits(findings, seen);
        }));
    }
    outcomes.push(judged(Check::Quota, |findings| {
        judge_quotas(findings, seen);
    }));
    outcomes
}

fn judge_pod_security(findings: &mut Findings, seen: &Snapshot) {
    let namespaces = match &seen.namespaces {
        Ok(namespaces) => namespaces,
        Err(unseen) => return findings.unseen(unseen),
    };
    let name = &seen.namespace;
    let mut namespaces = namespaces.iter();
    match namespaces.find(|one| one.metadata.name == *name) {
        Some(namespace) => {
            let level = namespace.metadata.labels.pod_security.beginning();
            if matches!(level, "baseline" | "restricted") {
                findings.error(format!("the namespace {name} enforces {level}"));
            }
        }
        None => findings.skipped(format!("the namespace {name} does not exist yet")),
    }
}

fn judge_limits(findings: &mut Findings, seen: &Snapshot) {
    let ranges = match &seen.limit_ranges {
        Ok(ranges) => ranges,
        Err(unseen) => return findings.unseen(unseen),
    };
    for range in ranges {
        let limits = range.spec.limits.kept.iter();
        for limit in limits.filter(|limit| limit.kind.beginning() == "Container") {
            let Some(memory) = &limit.default.memory else {
                continue;
            };
            let place = range.metadata.place();
            let text = format!("{place} limits each container to {}", memory.beginning());
            if bytes(memory.beginning()).is_some_and(|bytes| bytes < LEAST_MEMORY) {
                findings.error(text);
            } else {
                findings.warning(text);
            }
        }
    }
}

/// A quantity of Kubernetes in bytes; `None` for the spellings that nobody uses for memory.
fn bytes(quantity: &str) -> Option<u64> {
    let digits = quantity.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = quantity.split_at(digits.unwrap_or(quantity.len()));
    let factor: u64 = match unit {
        "" => 1,
        "k" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

fn judge_quotas(findings: &mut Findings, seen: &Snapshot) {
    let quotas = match &seen.quotas {
        Ok(quotas) => quotas,
        Err(unseen) => return findings.unseen(unseen),
    };
    let release = seen.release.as_ref().ok();
    let role = release.and_then(|release| release.driver.one());
    let class = role.map_or(DEFAULT_CLASS, |role| {
        role.object
            .spec
            .template
            .spec
            .priority_class_name
            .beginning()
    });
    let lacks_pods = match (role, &seen.pods) {
        (Some(role), Ok(pods)) => {
            let desired = usize::try_from(role.object.status.desired_number_scheduled);
            desired.is_ok_and(|desired| own(pods, &role.object).count() < desired)
        }
        (Some(_), Err(unseen)) => return findings.unseen(unseen),
        (None, _) => true,
    };
    for quota in quotas.iter().filter(|quota| holds_for(quota, class)) {
        let (hard, used) = (quota.status.hard.number(), quota.status.used.number());
        if let (Some(hard), Some(used)) = (hard, used)
            && used >= hard
            && lacks_pods
        {
            findings.error(format!(
                "{} allows {hard} pods, and has {used}: the driver's do not fit",
                quota.metadata.place()
            ));
        }
    }
}

/// Whether a quota counts pods of a priority class.
fn holds_for(quota: &ResourceQuota, class: &str) -> bool {
    let expressions = &quota.spec.scope_selector.match_expressions.kept;
    let mut classes = expressions
        .iter()
        .filter(|one| one.scope_name.beginning() == "PriorityClass");
    // Other scopes are of pods that end, or that promise nothing: the driver's are not among them.
    let is_plain = quota.spec.scopes.kept.is_empty() && expressions.is_empty();
    is_plain
        || classes.any(|one| {
            let named = one
                .values
                .kept
                .iter()
                .any(|value| value.beginning() == class);
            match one.operator.beginning() {
                "In" => named,
                "NotIn" => !named,
                "Exists" => !class.is_empty(),
                _ => class.is_empty(),
            }
        })
}

/// Bytes. The driver itself takes about 20 MiB; the rest is for the files of some hundred volumes.
const LEAST_MEMORY: u64 = 64 << 20;
/// What the chart gives the driver.
const DEFAULT_CLASS: &str = "system-node-critical";
