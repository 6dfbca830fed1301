//! What the chart does where nobody says anything, and what it does with the values that say more:
//! where pods run and with which priority, replicas, quotas, rights of workloads, more objects.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::manifests::{Manifests, list, text};
use super::template;

/// What must be true of a rendering, by whether it is.
pub(super) fn promises(
    values: &str,
    name: &str,
    manifests: &Manifests,
) -> Result<Vec<(bool, &'static str)>> {
    let driver = manifests.find("DaemonSet", &format!("{name}-driver"))?;
    let approver = manifests.find("Deployment", &format!("{name}-approver"))?;
    Ok(match values {
        "defaults-values.yaml" => of_the_defaults(name, manifests, driver, approver),
        "everything-values.yaml" => of_everything(name, manifests, driver, approver),
        _ => Vec::new(),
    })
}

fn of_the_defaults(
    name: &str,
    manifests: &Manifests,
    driver: &Value,
    approver: &Value,
) -> Vec<(bool, &'static str)> {
    let pod = |path: &str| format!("/spec/template/spec/{path}");
    let terms = "affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution";
    let virtual_nodes = json!([
        {"key": "type", "operator": "NotIn", "values": ["virtual-kubelet"]},
        {"key": "eks.amazonaws.com/compute-type", "operator": "NotIn", "values": ["fargate"]},
    ]);
    let kept_off = pod(&format!("{terms}/nodeSelectorTerms/0/matchExpressions"));
    let spread = list(approver, &pod("topologySpreadConstraints"));
    let spread = spread.first().unwrap_or(&Value::Null);
    let budget = manifests.find("PodDisruptionBudget", &format!("{name}-approver"));
    vec![
        (
            text(driver, &pod("priorityClassName")) == "system-node-critical",
            "a full node gets its driver before its workloads",
        ),
        (
            list(driver, &pod("tolerations")) == [json!({"operator": "Exists"})],
            "the driver is on every node that a pod can be on",
        ),
        (
            driver.pointer(&kept_off) == Some(&virtual_nodes),
            "the driver keeps off nodes that cannot mount",
        ),
        (
            approver.pointer(&pod("priorityClassName")).is_none()
                && approver.pointer(&pod("tolerations")).is_none(),
            "what the driver has by default is not the approver's",
        ),
        (
            approver.pointer("/spec/replicas") == Some(&json!(2)) && budget.is_ok(),
            "the approver outlives one node and each drain",
        ),
        (
            text(spread, "/topologyKey") == "kubernetes.io/hostname"
                && text(spread, "/whenUnsatisfiable") == "ScheduleAnyway"
                && spread.pointer("/labelSelector") == approver.pointer("/spec/selector"),
            "replicas are spread over nodes, where there are several",
        ),
        (
            manifests.of_kind("ResourceQuota").next().is_none()
                && manifests
                    .find("Role", &format!("{name}-workloads"))
                    .is_err(),
            "no quota and no workload's right is made that nobody asked for",
        ),
    ]
}

fn of_everything(
    name: &str,
    manifests: &Manifests,
    driver: &Value,
    approver: &Value,
) -> Vec<(bool, &'static str)> {
    let pod = |path: &str| format!("/spec/template/spec/{path}");
    let labels = "/spec/template/metadata/labels";
    let environment = |object: &Value| {
        let variables = list(object, &pod("containers/0/env"));
        variables.contains(&json!({"name": "RUST_BACKTRACE", "value": "1"}))
    };
    let annotated = |account: &str, role: &str| {
        let account = manifests.find("ServiceAccount", account);
        let path = "/metadata/annotations/example.com~1role";
        account.is_ok_and(|account| text(account, path) == role)
    };
    let quota = manifests.find("ResourceQuota", &format!("{name}-driver"));
    let classes = "/spec/scopeSelector/matchExpressions/0/values";
    let bindings: Vec<(&str, &str)> = manifests
        .of_kind("RoleBinding")
        .filter(|one| text(one, "/roleRef/name") == format!("{name}-workloads"))
        .map(|one| {
            (
                text(one, "/metadata/namespace"),
                text(one, "/subjects/0/name"),
            )
        })
        .collect();
    vec![
        (
            text(driver, &pod("priorityClassName")) == "spiffe-nodes"
                && driver.pointer(&pod("tolerations")).is_none()
                && driver.pointer(&pod("affinity")).is_none(),
            "without schedulingDefaults the driver runs where the values say",
        ),
        (
            quota.is_ok_and(|quota| {
                quota.pointer(classes) == Some(&json!(["spiffe-nodes"]))
                    && text(quota, "/spec/hard/pods") == "50"
            }),
            "the quota is for the driver's priority class",
        ),
        (
            bindings
                == [
                    ("payments", "system:serviceaccounts:payments"),
                    ("shop", "system:serviceaccounts:shop"),
                ],
            "the accounts of each namespace that is listed may make requests there, and only there",
        ),
        (
            text(driver, &format!("{labels}/team")) == "identity"
                && text(approver, &format!("{labels}/team")) == "identity"
                && text(driver, &format!("{labels}/app")) == name,
            "labels of pods are added and do not replace those that select them",
        ),
        (
            environment(driver) && environment(approver),
            "environment variables reach both roles",
        ),
        (
            annotated(name, "driver") && annotated(&format!("{name}-approver"), "approver"),
            "annotations reach both service accounts",
        ),
        (
            ["livenessProbe", "readinessProbe"].iter().all(|probe| {
                let path = pod(&format!("containers/0/{probe}/httpGet/host"));
                text(driver, &path) == "127.0.0.1"
            }),
            "on the node's network the probes are answered on the loopback address",
        ),
        (
            manifests.of_kind("Service").next().is_none(),
            "without a Service for the metrics there is none",
        ),
        (
            ["map", "text"].iter().all(|form| {
                let name = format!("csi-driver-spiffe-{form}");
                manifests.find("ConfigMap", &name).is_ok()
            }),
            "more objects are rendered as templates, as maps and as texts",
        ),
    ]
}

/// The promises that are broken where another chart depends on this one and names its condition.
///
/// # Errors
/// When that chart cannot be made or does not render.
pub(super) fn broken_as_dependency(helm: &Path, chart: &Path) -> Result<Vec<String>> {
    let folder = tempfile::tempdir().context("making a folder")?;
    fs::create_dir(folder.path().join("charts")).context("making a folder")?;
    symlink(chart, folder.path().join("charts").join(CHART)).context("linking the chart")?;
    let umbrella = json!({
        "apiVersion": "v2",
        "name": "umbrella",
        "version": "1.0.0",
        "dependencies": [
            {"name": CHART, "version": "*", "condition": format!("{CHART}.enabled")},
        ],
    });
    // JSON is YAML.
    fs::write(folder.path().join("Chart.yaml"), umbrella.to_string()).context("writing a chart")?;
    let image = format!("{CHART}.imageRegistry=registry.example.com");
    let mut broken = Vec::new();
    for is_enabled in [true, false] {
        let enabled = format!("{CHART}.enabled={is_enabled}");
        let rendered = template(helm, folder.path(), &[&image, &enabled])?;
        let is_there = Manifests::parse(&rendered)?.of_kind("DaemonSet").count() == 1;
        if is_there != is_enabled {
            broken.push(format!(
                "as a dependency with {enabled}: there is a driver: {is_there}"
            ));
        }
    }
    Ok(broken)
}

const CHART: &str = "cert-manager-csi-driver-spiffe";
