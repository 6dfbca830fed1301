//! The approver against the real API server and cert-manager.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::pods::{enroll, spiffe_id};
use super::requests::{
    ANNOTATION, create_as, decided, decision, disable_validation, right, signing_request,
};
use super::world::{NAME, NAMESPACE, World, user};
use super::{Scenario, installation, scenario};

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
    ]
}

/// One request, and what the approver must say.
struct Case {
    name: &'static str,
    /// Changes to the valid request's spec and metadata.
    change: fn(&mut Value),
    /// What OpenSSL makes its signing request of.
    subject: &'static str,
    extensions: &'static [&'static str],
    /// None: approved.
    denied: Option<&'static str>,
}

const SAN: &str = "subjectAltName=critical,URI:spiffe://example.org/ns/approver/sa/web";

const RIGHT: Case = Case {
    name: "right",
    change: |_| {},
    subject: "/",
    extensions: &[SAN],
    denied: None,
};

const CASES: &[Case] = &[
    RIGHT,
    Case {
        name: "key-usage",
        extensions: &[SAN, "keyUsage=critical,digitalSignature,keyEncipherment"],
        ..RIGHT
    },
    Case {
        name: "other-identity",
        extensions: &["subjectAltName=URI:spiffe://example.org/ns/approver/sa/admin"],
        denied: Some("spiffe://example.org/ns/approver/sa/web"),
        ..RIGHT
    },
    Case {
        name: "other-trust-domain",
        extensions: &["subjectAltName=URI:spiffe://other.org/ns/approver/sa/web"],
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
        name: "key-usage-of-a-ca",
        extensions: &[SAN, "keyUsage=critical,digitalSignature,keyCertSign"],
        denied: Some("keyUsage"),
        ..RIGHT
    },
    Case {
        name: "basic-constraints-of-a-ca",
        extensions: &[SAN, "basicConstraints=critical,CA:TRUE"],
        denied: Some("basicConstraints"),
        ..RIGHT
    },
    Case {
        name: "dns-name",
        extensions: &[
            "subjectAltName=URI:spiffe://example.org/ns/approver/sa/web,DNS:kubernetes.default.svc",
        ],
        denied: Some("DNS"),
        ..RIGHT
    },
    Case {
        name: "address",
        extensions: &["subjectAltName=URI:spiffe://example.org/ns/approver/sa/web,IP:10.0.0.1"],
        denied: Some("IP"),
        ..RIGHT
    },
    Case {
        name: "email",
        extensions: &[
            "subjectAltName=URI:spiffe://example.org/ns/approver/sa/web,email:root@example.org",
        ],
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
    // cert-manager would refuse some before the approver sees them.
    disable_validation(world, "approver")?;
    for case in CASES {
        let mut request = right("approver", "web", case.name)?;
        request["spec"]["request"] = json!(signing_request(case.subject, case.extensions)?);
        (case.change)(&mut request);
        create_as(world, "approver", "web", &request)?;
        expect(world, case.name, case.denied)?;
    }
    abroad(world)?;
    ordinary(world)
}

fn expect(world: &World, name: &str, denied: Option<&str>) -> Result<()> {
    let condition = decision(world, "approver", name)?;
    let Some(word) = denied else {
        ensure!(condition["type"] == "Approved", "{name}: {condition}");
        return Ok(());
    };
    ensure!(condition["type"] == "Denied", "{name}: {condition}");
    let message = condition["message"].as_str().unwrap_or_default();
    let holds = message.to_lowercase().contains(&word.to_lowercase());
    ensure!(holds, "{name} does not say {word:?}: {message}");
    Ok(())
}

/// An account with rights in a namespace that is not its own. The admission policy would refuse
/// it before the approver sees it.
fn abroad(world: &World) -> Result<()> {
    installation::install(world, &["admissionPolicies.enabled=false"])?;
    enroll(world, "abroad", "web")?;
    world.kubectl.run(&[
        "--namespace=approver",
        "create",
        "rolebinding",
        "abroad",
        "--role=spiffe",
        "--serviceaccount=abroad:web",
    ])?;
    let stranger = user("abroad", "web");
    world.wait_allowed(&stranger, "create", "certificaterequests", "approver")?;
    let mut request = right("approver", "web", "abroad")?;
    create_as(world, "abroad", "web", &request)?;
    expect(world, "abroad", Some("namespace"))?;
    let own = spiffe_id("abroad", "web");
    request["metadata"]["name"] = json!("abroad-as-itself");
    request["metadata"]["annotations"][ANNOTATION] = json!(own);
    let name = format!("subjectAltName=critical,URI:{own}");
    request["spec"]["request"] = json!(signing_request("/", &[&name])?);
    create_as(world, "abroad", "web", &request)?;
    expect(world, "abroad-as-itself", Some("namespace"))?;
    world.end_namespace("abroad")
}

/// A request without our annotation waits for another approver, until the chart is set otherwise.
fn ordinary(world: &World) -> Result<()> {
    let mut plain = right("approver", "web", "ordinary")?;
    plain["metadata"] = json!({"name": "ordinary", "namespace": "approver"});
    plain["spec"]["request"] = json!(signing_request(
        "/CN=a",
        &["subjectAltName=DNS:a.example.org"]
    )?);
    plain["spec"]["issuerRef"] =
        json!({"name": "other", "kind": "Issuer", "group": "cert-manager.io"});
    create_as(world, "approver", "web", &plain)?;
    // Decisions are made in the order of their requests, so this one comes later.
    create_as(world, "approver", "web", &right("approver", "web", "next")?)?;
    expect(world, "next", None)?;
    ensure!(
        decided(world, "approver", "ordinary").is_none(),
        "a request without annotation was decided"
    );
    installation::install(world, &["app.approver.autoApproveNonSPIFFE=true"])?;
    expect(world, "ordinary", None)?;
    world.end_namespace("approver")
}

fn leader(world: &World) -> Result<()> {
    installation::install(world, &["app.approver.replicaCount=2"])?;
    enroll(world, "leader", "web")?;
    // A pod that was just replaced may have the lease for a moment more.
    let leading = world.eventually("one of the pods to lead", || leading_pod(world))?;
    world.kubectl.run(&[
        "--namespace",
        NAMESPACE,
        "delete",
        &leading,
        "--grace-period=0",
        "--force",
    ])?;
    create_as(world, "leader", "web", &right("leader", "web", "right")?)?;
    let condition = decision(world, "leader", "right")?;
    ensure!(condition["type"] == "Approved", "{condition}");
    world.end_namespace("leader")
}

/// The pod of the approver that holds the lease.
fn leading_pod(world: &World) -> Result<String> {
    let lease = world.object(NAMESPACE, "lease/spiffe.csi.cert-manager.io")?;
    let holder = lease["spec"]["holderIdentity"]
        .as_str()
        .context("nobody leads")?;
    let label = format!("-lapp={NAME}-approver");
    let words = [
        "--namespace",
        NAMESPACE,
        "get",
        "pods",
        &label,
        "-o",
        "name",
    ];
    let pods = world.kubectl.run(&words)?;
    let mut pods = pods.lines();
    let leading = pods.find(|pod| holder.contains(pod.trim_start_matches("pod/")));
    Ok(leading
        .with_context(|| format!("{holder} is none of the pods"))?
        .to_owned())
}
