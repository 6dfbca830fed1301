//! cert-manager: its kinds, its webhooks, its controllers and the ClusterIssuer.
//!
//! Invariant: no object of cert-manager is made before its webhooks are asked.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::build::Tools;
use super::encoding::base64;
use super::kubectl::Kubectl;
use super::objects;
use super::pki::Pki;
use super::place::{self, CERT_MANAGER, Place, WEBHOOK, WEBHOOK_ADDRESS, WEBHOOK_PORT};
use super::process::{self, LIMIT};
use crate::repository;
use crate::wait::eventually;

/// Starts what does not run and waits until requests would be signed.
pub(super) fn start(place: &Place, tools: &Tools, pki: &Pki, kubectl: &Kubectl) -> Result<()> {
    serve_webhooks(place, tools, pki, kubectl)?;
    define_kinds(tools, kubectl)?;
    register_webhooks(place, pki, kubectl)?;
    let mut command = Command::new(tools.certmanager.join("certmanager"));
    command
        .args(["controllers", "-kubeconfig"])
        .arg(place.administrator())
        // Its own limit is not what is measured here.
        .args(["-qps", "1000", "-burst", "1000"]);
    process::start(place, "cert-manager", &mut command)?;
    kubectl.apply(&pki.spiffe_authority()?.cluster_issuer("spiffe-ca"))?;
    let ready = ["wait", "--for=condition=Ready", "--timeout=60s"];
    kubectl.run(&[&ready[..], &["clusterissuer/spiffe-ca"]].concat())?;
    Ok(())
}

fn define_kinds(tools: &Tools, kubectl: &Kubectl) -> Result<()> {
    for path in repository::files(&tools.definitions)? {
        if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            kubectl.apply_files(&path)?;
        }
    }
    let established = ["wait", "--for=condition=Established", "--timeout=60s"];
    kubectl.run(&[&established[..], &["crd", "--all"]].concat())?;
    Ok(())
}

/// Starts the webhooks with their own account, which may only check the permissions of others.
fn serve_webhooks(place: &Place, tools: &Tools, pki: &Pki, kubectl: &Kubectl) -> Result<()> {
    kubectl.apply(&account())?;
    let kubeconfig = pki.path("cert-manager-webhook.kubeconfig");
    // It outlives a day of work.
    let token = kubectl.token(CERT_MANAGER, WEBHOOK, &["--duration=48h"])?;
    place::write(&kubeconfig, &pki.token_kubeconfig(&token)?)?;
    let mut command = Command::new(tools.certmanager.join("certmanager"));
    command
        .args(["webhooks", "-kubeconfig"])
        .arg(&kubeconfig)
        .arg(format!("-port={WEBHOOK_PORT}"))
        .arg("-tls-cert-file")
        .arg(pki.path("cert-manager-webhook.crt"))
        .arg("-tls-private-key-file")
        .arg(pki.path("cert-manager-webhook.key"));
    process::start(place, WEBHOOK, &mut command)
}

fn account() -> String {
    let role = format!("{WEBHOOK}:subjectaccessreviews");
    let reviews = objects::rule(
        "authorization.k8s.io",
        &["subjectaccessreviews"],
        &["create"],
    );
    let subject = objects::account(CERT_MANAGER, WEBHOOK);
    let [role, binding] = objects::role("", &role, &[reviews], &[subject]);
    objects::list(&[
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": CERT_MANAGER}}),
        json!({
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": WEBHOOK, "namespace": CERT_MANAGER},
        }),
        role,
        binding,
    ])
}

/// Tells the API server of the webhooks and waits until it asks both.
fn register_webhooks(place: &Place, pki: &Pki, kubectl: &Kubectl) -> Result<()> {
    let authority = base64(&place::read(&pki.path("ca.crt"))?);
    kubectl.apply(&registrations(&authority))?;
    eventually("cert-manager's webhooks", LIMIT, || ensure_asked(kubectl))
        .with_context(|| format!("see {}", place.log(WEBHOOK).display()))
}

/// As cert-manager's chart registers them. They are reached on this machine, by URL.
fn registrations(authority: &str) -> String {
    let webhook = |path: &str, rule: Value, namespaces: Value| {
        json!([{
            "name": "webhook.cert-manager.io",
            "clientConfig": {
                "url": format!("https://{WEBHOOK_ADDRESS}:{WEBHOOK_PORT}/{path}"),
                "caBundle": authority,
            },
            "rules": [rule],
            "namespaceSelector": namespaces,
            "matchPolicy": "Equivalent",
            "failurePolicy": "Fail",
            "sideEffects": "None",
            "timeoutSeconds": 30,
            "admissionReviewVersions": ["v1"],
        }])
    };
    let mutated = json!({
        "apiGroups": ["cert-manager.io"],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["certificaterequests"],
    });
    let validated = json!({
        "apiGroups": ["cert-manager.io", "acme.cert-manager.io"],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["*/*"],
    });
    let not_exempt = json!({"matchExpressions": [{
        "key": "cert-manager.io/disable-validation", "operator": "NotIn", "values": ["true"],
    }]});
    let configuration = |kind: &str, webhooks: Value| {
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
            "metadata": {"name": WEBHOOK}, "webhooks": webhooks,
        })
    };
    objects::list(&[
        configuration(
            "MutatingWebhookConfiguration",
            webhook("mutate", mutated, json!({})),
        ),
        configuration(
            "ValidatingWebhookConfiguration",
            webhook("validate", validated, not_exempt),
        ),
    ])
}

/// Asks for a request that the validating webhook refuses, and for its requester, too, unless the
/// mutating one has written it in.
fn ensure_asked(kubectl: &Kubectl) -> Result<()> {
    let probe = json!({
        "apiVersion": "cert-manager.io/v1", "kind": "CertificateRequest",
        "metadata": {"name": "probe", "namespace": CERT_MANAGER},
        "spec": {"request": base64("no signing request"), "issuerRef": {"name": "nobody"}},
    });
    let said = match kubectl.create(&probe.to_string(), &["--dry-run=server"]) {
        Ok(_) => "it was taken".to_owned(),
        Err(error) => error.to_string(),
    };
    ensure!(
        said.contains("webhook.cert-manager.io") && said.contains("spec.request"),
        "a request without signing request was not refused by the validating webhook: {said}"
    );
    ensure!(
        !said.contains("must be that of the requester"),
        "the mutating webhook has not written in who makes a request: {said}"
    );
    Ok(())
}
