//! Network policies: there are none unless requested, and then they admit only those who are named.
//! None of our clusters enforces them, so only their content is checked.

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
    let is_asked = values == "network-policies-values.yaml";
    let policies = policies(manifests);
    if !is_asked {
        let promise = "without a value no network policy cuts anybody off";
        return Ok(vec![(policies.is_empty(), promise)]);
    }
    let mut promises = vec![(policies.len() == 2, "each role has one network policy")];
    for (kind, role) in ROLES {
        let name = format!("{name}-{role}");
        let policy = manifests.find("NetworkPolicy", &name)?;
        let workload = manifests.find(kind, &name)?;
        promises.push((
            policy.pointer("/spec/podSelector") == workload.pointer("/spec/selector"),
            "a role's network policy is about the role's pods",
        ));
        let from = json!([{
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}},
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}},
        }]);
        let ports = json!([{"port": port(workload, "http-metrics")?, "protocol": "TCP"}]);
        promises.push((
            list(policy, "/spec/ingress") == [json!({"from": from, "ports": ports})],
            "the metrics are for who scrapes them, and no other port is for anybody",
        ));
        promises.push((
            policy.pointer("/spec/policyTypes") == Some(&json!(["Ingress", "Egress"]))
                && list(policy, "/spec/egress").len() == 1,
            "what a role may reach is what the values say",
        ));
    }
    Ok(promises)
}

/// The promises that are broken by values of which other renderings have none.
pub(super) fn broken(helm: &Path, chart: &Path) -> Vec<String> {
    let mut broken = Vec::new();
    for (values, expected) in RENDERED {
        match rendered(helm, chart, values) {
            Ok(found) if found == *expected => {}
            Ok(found) => broken.push(format!(
                "{values:?}: the network policies are {found:?}, not {expected:?}"
            )),
            Err(error) => broken.push(format!("{values:?}: {error:#}")),
        }
    }
    broken
}

/// How many renderings [`broken`] looks at.
pub(super) const COUNT: usize = RENDERED.len();

/// Each policy's name with its types and ingress rules.
fn rendered(helm: &Path, chart: &Path, values: &[&str]) -> Result<Vec<String>> {
    let common = ["imageRegistry=registry.example.com", "nameOverride=spiffe"];
    let text = template(helm, chart, &[&common, values].concat())?;
    let manifests = Manifests::parse(&text)?;
    let one = |policy: &&Value| {
        let name = self::text(policy, "/metadata/name");
        let at = |path| policy.pointer(path).unwrap_or(&Value::Null).to_string();
        format!("{name} {} {}", at("/spec/policyTypes"), at("/spec/ingress"))
    };
    Ok(policies(&manifests).iter().map(one).collect())
}

fn policies(manifests: &Manifests) -> Vec<&Value> {
    manifests.of_kind("NetworkPolicy").collect()
}

/// The number of a port of a workload's container.
fn port<'a>(workload: &'a Value, name: &str) -> Result<&'a Value> {
    let ports = list(workload, "/spec/template/spec/containers/0/ports").iter();
    let mut named = ports.filter(|port| text(port, "/name") == name);
    let port = named.next().and_then(|port| port.get("containerPort"));
    port.with_context(|| format!("no port is named {name}"))
}

const ROLES: [(&str, &str); 2] = [("DaemonSet", "driver"), ("Deployment", "approver")];

const RENDERED: &[(&[&str], &[&str])] = &[
    (
        &["networkPolicy.enabled=true"],
        &[
            r#"spiffe-driver ["Ingress"] []"#,
            r#"spiffe-approver ["Ingress"] []"#,
        ],
    ),
    // A role without metrics has nothing for anybody.
    (
        &[
            "networkPolicy.enabled=true",
            "networkPolicy.metricsFrom[0].podSelector.matchLabels.app=prometheus",
            "app.driver.metrics.port=0",
        ],
        &[
            r#"spiffe-driver ["Ingress"] []"#,
            r#"spiffe-approver ["Ingress"] [{"from":[{"podSelector":{"matchLabels":{"app":"prometheus"}}}],"ports":[{"port":9402,"protocol":"TCP"}]}]"#,
        ],
    ),
    // Policies say nothing of pods with the node's network.
    (
        &["networkPolicy.enabled=true", "app.driver.hostNetwork=true"],
        &[r#"spiffe-approver ["Ingress"] []"#],
    ),
    // Nobody is let in by what is only prepared.
    (
        &["networkPolicy.metricsFrom[0].podSelector.matchLabels.app=prometheus"],
        &[],
    ),
];
