//! The approver against the real API server and cert-manager.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::pods::{enroll, spiffe_id};
use super::world::{LIMIT, NAME, NAMESPACE, World};
use super::{Scenario, installation, scenario};
use crate::{cluster, command};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario(
            "requests are approved or denied by every rule, and others' are left alone",
            rules,
        ),
        scenario(
            "approvals go on when the leading approver is killed",
            leader,
        ),
        scenario(
            "an edited request of ours is refused by the admission policy",
            edited,
        ),
    ]
}

/// One request, and what the approver must say.
struct Case {
    name: &'static str,
    /// Changes to the right request's spec and metadata.
    change: fn(&mut Value),
    /// Arguments of OpenSSL that make its signing request.
    subject: &'static str,
    names: &'static str,
    /// None: approved.
    denied: Option<&'static str>,
}

const RIGHT: Case = Case {
    name: "right",
    change: |_| {},
    subject: "/",
    names: "URI:spiffe://example.org/ns/approver/sa/web",
    denied: None,
};

const CASES: &[Case] = &[
    RIGHT,
    Case {
        name: "other-identity",
        names: "URI:spiffe://example.org/ns/approver/sa/admin",
        denied: Some("spiffe://example.org/ns/approver/sa/web"),
        ..RIGHT
    },
    Case {
        name: "other-trust-domain",
        names: "URI:spiffe://other.org/ns/approver/sa/web",
        denied: Some("spiffe://example.org/ns/approver/sa/web"),
        ..RIGHT
    },
    Case {
        name: "usages",
        change: |request| request["spec"]["usages"] = json!(["client auth"]),
        denied: Some("usages"),
        ..RIGHT
    },
    Case {
        name: "duration",
        change: |request| request["spec"]["duration"] = json!("2h0m0s"),
        denied: Some("duration"),
        ..RIGHT
    },
    Case {
        name: "is-ca",
        change: |request| request["spec"]["isCA"] = json!(true),
        denied: Some("isCA"),
        ..RIGHT
    },
    Case {
        name: "dns-name",
        names: "URI:spiffe://example.org/ns/approver/sa/web,DNS:kubernetes.default.svc",
        denied: Some("DNS"),
        ..RIGHT
    },
    Case {
        name: "address",
        names: "URI:spiffe://example.org/ns/approver/sa/web,IP:10.0.0.1",
        denied: Some("IP"),
        ..RIGHT
    },
    Case {
        name: "email",
        names: "URI:spiffe://example.org/ns/approver/sa/web,email:root@example.org",
        denied: Some("email"),
        ..RIGHT
    },
    Case {
        name: "common-name",
        subject: "/CN=admin",
        denied: Some("subject"),
        ..RIGHT
    },
    Case {
        name: "organization",
        subject: "/O=system:masters",
        denied: Some("subject"),
        ..RIGHT
    },
];

fn rules(world: &World) -> Result<()> {
    installation::install(world, &[])?;
    enroll(world, "approver", "web")?;
    for case in CASES {
        let request = request(case)?;
        create_as(world, "approver", "web", &request)?;
        let condition = decision(world, "approver", case.name)?;
        let message = condition["message"].as_str().unwrap_or_default();
        match case.denied {
            None => ensure!(
                condition["type"] == "Approved",
                "{}: {condition}",
                case.name
            ),
            Some(word) => {
                ensure!(condition["type"] == "Denied", "{}: {condition}", case.name);
                let holds = message.to_lowercase().contains(&word.to_lowercase());
                ensure!(holds, "{} does not say {word:?}: {message}", case.name);
            }
        }
    }
    ordinary(world)
}

/// A request without our annotation waits for somebody else, until the chart is told otherwise.
fn ordinary(world: &World) -> Result<()> {
    let mut plain = request(&RIGHT)?;
    plain["metadata"] = json!({"name": "ordinary", "namespace": "approver"});
    plain["spec"]["request"] = json!(signing_request("/CN=a", "DNS:a.example.org")?);
    plain["spec"]["issuerRef"] =
        json!({"name": "other", "kind": "Issuer", "group": "cert-manager.io"});
    create_as(world, "approver", "web", &plain)?;
    let before = world.object("approver", "certificaterequest/ordinary")?;
    ensure!(
        before["status"]["conditions"][0]["type"].is_null(),
        "{before}"
    );
    installation::install(world, &["app.approver.autoApproveNonSPIFFE=true"])?;
    let condition = decision(world, "approver", "ordinary")?;
    ensure!(condition["type"] == "Approved", "{condition}");
    world
        .kubectl
        .run(&["delete", "namespace", "approver", "--timeout=120s"])?;
    Ok(())
}

fn leader(world: &World) -> Result<()> {
    installation::install(world, &["app.approver.replicaCount=2"])?;
    enroll(world, "leader", "web")?;
    let lease = world.object(NAMESPACE, "lease/spiffe.csi.cert-manager.io")?;
    let holder = lease["spec"]["holderIdentity"]
        .as_str()
        .context("nobody leads")?
        .to_owned();
    let pods = world.kubectl.run(&[
        "--namespace",
        NAMESPACE,
        "get",
        "pods",
        "-l",
        &format!("app={NAME}-approver"),
        "-o",
        "name",
    ])?;
    let leading = pods
        .lines()
        .find(|pod| holder.contains(pod.trim_start_matches("pod/")));
    let leading = leading.with_context(|| format!("none of {pods:?} is {holder}"))?;
    world.kubectl.run(&[
        "--namespace",
        NAMESPACE,
        "delete",
        leading,
        "--grace-period=0",
        "--force",
    ])?;
    let mut request = request(&RIGHT)?;
    let names = format!("URI:{}", spiffe_id("leader", "web"));
    request["metadata"]["namespace"] = json!("leader");
    request["metadata"]["annotations"]["spiffe.csi.cert-manager.io/identity"] =
        json!(spiffe_id("leader", "web"));
    request["spec"]["request"] = json!(signing_request("/", &names)?);
    create_as(world, "leader", "web", &request)?;
    let condition = decision(world, "leader", "right")?;
    ensure!(condition["type"] == "Approved", "{condition}");
    world
        .kubectl
        .run(&["delete", "namespace", "leader", "--timeout=120s"])?;
    Ok(())
}

fn edited(world: &World) -> Result<()> {
    installation::install(world, &[])?;
    enroll(world, "edited", "web")?;
    let names = format!("URI:{}", spiffe_id("edited", "web"));
    let mut request = request(&RIGHT)?;
    request["metadata"]["namespace"] = json!("edited");
    request["metadata"]["annotations"]["spiffe.csi.cert-manager.io/identity"] =
        json!(spiffe_id("edited", "admin"));
    request["spec"]["request"] = json!(signing_request("/", &names)?);
    let refused = create_as(world, "edited", "web", &request);
    ensure!(
        refused.is_err(),
        "an annotation with somebody else's identity was taken"
    );
    request["metadata"]["annotations"]["spiffe.csi.cert-manager.io/identity"] =
        json!(spiffe_id("edited", "web"));
    create_as(world, "edited", "web", &request)?;
    let patches = [
        r#"{"spec": {"duration": "2h"}}"#,
        r#"{"metadata": {"annotations": {"spiffe.csi.cert-manager.io/identity": null}}}"#,
        r#"{"metadata": {"annotations": {"spiffe.csi.cert-manager.io/identity": "spiffe://example.org/ns/a/sa/b"}}}"#,
    ];
    for patch in patches {
        let words = [
            "--namespace",
            "edited",
            "patch",
            "certificaterequest",
            "right",
            "--type=merge",
            "-p",
            patch,
        ];
        let edited = world.kubectl.run(&words);
        ensure!(edited.is_err(), "{patch} was taken");
    }
    world
        .kubectl
        .run(&["delete", "namespace", "edited", "--timeout=120s"])?;
    Ok(())
}

fn request(case: &Case) -> Result<Value> {
    let mut request = json!({
        "apiVersion": "cert-manager.io/v1",
        "kind": "CertificateRequest",
        "metadata": {
            "name": case.name,
            "namespace": "approver",
            "annotations": {"spiffe.csi.cert-manager.io/identity": "spiffe://example.org/ns/approver/sa/web"},
        },
        "spec": {
            "request": signing_request(case.subject, case.names)?,
            "duration": "1h0m0s",
            "usages": ["digital signature", "key encipherment", "server auth", "client auth"],
            "issuerRef": {"name": "spiffe-ca", "kind": "ClusterIssuer", "group": "cert-manager.io"},
        },
    });
    (case.change)(&mut request);
    Ok(request)
}

/// A signing request in PEM, encoded, by OpenSSL.
fn signing_request(subject: &str, names: &str) -> Result<String> {
    let mut command = Command::new("openssl");
    command
        .args([
            "req",
            "-new",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            "/dev/null",
        ])
        .args([
            "-subj",
            subject,
            "-addext",
            &format!("subjectAltName=critical,{names}"),
        ]);
    Ok(cluster::base64(&command::text(&mut command)?))
}

/// Creates an object with a token of a service account, as a workload would.
fn create_as(world: &World, namespace: &str, account: &str, object: &Value) -> Result<()> {
    let token = world
        .kubectl
        .run(&["--namespace", namespace, "create", "token", account])?;
    world.kubectl.create_with_token(&token, &object.to_string())
}

/// Waits for Approved or Denied.
fn decision(world: &World, namespace: &str, name: &str) -> Result<Value> {
    let mut found = None;
    cluster::wait(&format!("a decision on {name}"), LIMIT, || {
        let object = world
            .object(namespace, &format!("certificaterequest/{name}"))
            .unwrap_or_default();
        let conditions = object["status"]["conditions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        found = conditions
            .into_iter()
            .find(|one| one["type"] == "Approved" || one["type"] == "Denied");
        found.is_some()
    })?;
    found.context("no decision")
}
