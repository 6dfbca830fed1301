//! A world in which all is well, as the API server would show it.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use svid_api::certmanager::EncodedBytes;
use svid_core::policy::IssuerReference;

use crate::check::look::Source;
use crate::check::look::objects::DaemonSet;
use crate::check::release::Release;
use crate::check::rights;
use crate::check::snapshot::{
    Asked, CertManager, Deciders, Issuance, Review, Rights, Roots, Seen, Snapshot,
};

pub(super) const DRIVER: &str = "spiffe.csi.cert-manager.io";
const NOW: &str = "2026-11-25T12:00:00Z";
/// A minute and more before.
pub(super) const BEFORE: &str = "2026-11-25T11:50:00Z";
/// Just now.
pub(super) const RECENT: &str = "2026-11-25T11:59:50Z";

pub(super) fn read<T: DeserializeOwned>(object: Value) -> T {
    serde_json::from_value(object).unwrap()
}

/// A read of some objects that succeeded.
pub(super) fn all<T: DeserializeOwned>(objects: Value) -> Seen<Vec<T>> {
    Ok(read(objects))
}

pub(super) fn world() -> Snapshot {
    let (root, chain) = certificates("root", "2027-11-25T00:00:00Z");
    let release = release(&[], &[]);
    let role = |account: &str| crate::check::account::Account::new("cert-manager", account);
    let issuer = IssuerReference::new("spiffe-ca", "ClusterIssuer", "cert-manager.io");
    let pods = all(json!([driver_pod(), workload_pod()]));
    let namespaces = ["payments"].into();
    let (workloads, workloads_left_out) = rights::of_workloads(pods.as_ref().unwrap(), DRIVER);
    let driver = release.driver().unwrap();
    let approver = release.approver().unwrap();
    Snapshot {
        now: NOW.parse().unwrap(),
        driver: DRIVER.to_owned(),
        namespace: "cert-manager".to_owned(),
        is_before: false,
        version: Ok(read(
            json!({"major": "1", "minor": "37", "gitVersion": "v1.37.0"}),
        )),
        certmanager: CertManager {
            kinds: Ok(Some(read(json!({"resources": [
                {"name": "certificaterequests"}, {"name": "issuers"}, {"name": "clusterissuers"},
            ]})))),
            controllers: all(json!([controller()])),
            mutating: all(json!([webhooks("certificaterequests")])),
            validating: all(json!([webhooks("*/*")])),
        },
        issuance: Issuance {
            config_map: None,
            issuer: Some(issuer.clone()),
            cluster_issuers: all(json!([ca_issuer("", "spiffe-ca", "spiffe-ca")])),
            issuers: all(json!([ca_issuer("payments", "web", "spiffe-ca")])),
        },
        deciders: Deciders {
            others: answered(
                rights::of_signer(&role("cert-manager"), &issuer, &namespaces),
                true,
            ),
            others_left_out: 0,
            policies: all(json!([policy()])),
            bindings: all(json!([{
                "metadata": {"name": "spiffe-issuer"},
                "spec": {"policyName": "spiffe-issuer", "validationActions": ["Deny"]},
            }])),
        },
        csi_driver: Ok(Some(read(json!({"metadata": {"name": DRIVER}, "spec": {
            "podInfoOnMount": true,
            "requiresRepublish": true,
            "volumeLifecycleModes": ["Ephemeral"],
            "tokenRequests": [{"audience": "", "expirationSeconds": 3600}],
            "serviceAccountTokenInSecrets": true,
        }})))),
        nodes: all(json!([node("node-1")])),
        csi_nodes: all(json!([
            {"metadata": {"name": "node-1"}, "spec": {"drivers": [{"name": DRIVER}]}},
        ])),
        lease: Ok(Some(read(lease(RECENT)))),
        rights: Rights {
            driver: answered(rights::of_driver(&role("spiffe"), driver), true),
            approver: answered(
                rights::of_approver(&role("spiffe-approver"), approver),
                true,
            ),
            signer: without_wildcard(rights::of_signer(
                &role("spiffe-approver"),
                &issuer,
                &namespaces,
            )),
            workloads: answered(workloads, true),
            workloads_left_out,
            installer: answered(rights::of_installer("cert-manager"), true),
        },
        roots: Some(Roots {
            file: "/roots/ca.crt".to_owned(),
            source: Source::ConfigMap {
                name: "roots".to_owned(),
                key: "ca.crt".to_owned(),
            },
            found: Ok(Some(read(json!({"data": {"ca.crt": root}})))),
        }),
        pods,
        release: Ok(release),
        namespaces: all(json!([
            {"metadata": {"name": "cert-manager"}},
            {"metadata": {"name": "payments", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}},
        ])),
        limit_ranges: Ok(Vec::new()),
        quotas: Ok(Vec::new()),
        events: Ok(Vec::new()),
        requests: all(json!([request(&json!({
            "certificate": EncodedBytes::encode(&chain),
            "conditions": [{"type": "Approved", "status": "True"}],
        }))])),
    }
}

/// The release with more flags of the driver and of the approver.
pub(super) fn release(driver: &[&str], approver: &[&str]) -> Release {
    let common = ["--trust-domain=example.org", "--issuer-name=spiffe-ca"];
    let of_driver = [
        &["driver", "--node-id=$(NODE_ID)", "--data-root=/data"][..],
        &[
            "--endpoint=unix:///plugin/csi.sock",
            "--source-ca-bundle=/roots/ca.crt",
        ],
        &common,
        driver,
    ];
    let of_approver = [&["approver"][..], &common, approver];
    let sets: DaemonSet = read(json!({
        "metadata": {"namespace": "cert-manager", "name": "spiffe-driver", "uid": "set", "generation": 2,
            "labels": {"app.kubernetes.io/instance": "spiffe"}},
        "spec": {"template": {"spec": {
            "serviceAccountName": "spiffe",
            "priorityClassName": "system-node-critical",
            "containers": [{
                "image": "example.com/spiffe:1",
                "args": of_driver.concat(),
                "env": [{"name": "NODE_ID", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
                "volumeMounts": [{"name": "roots", "mountPath": "/roots"}],
            }],
            "volumes": [{"name": "roots", "configMap": {"name": "roots"}}],
        }}},
        "status": {"observedGeneration": 2, "desiredNumberScheduled": 1, "numberReady": 1,
            "updatedNumberScheduled": 1},
    }));
    let deployment = read(json!({
        "metadata": {"namespace": "cert-manager", "name": "spiffe-approver"},
        "spec": {"replicas": 2, "template": {"spec": {
            "serviceAccountName": "spiffe-approver",
            "containers": [{"image": "example.com/spiffe:1", "args": of_approver.concat()}],
        }}},
        "status": {"availableReplicas": 2},
    }));
    Release::find(&[sets], &[deployment], DRIVER, None)
}

pub(super) fn answered(asked: Vec<Asked>, allowed: bool) -> Vec<Review> {
    let review = |asked| Review {
        asked,
        allowed: Ok(allowed),
    };
    asked.into_iter().map(review).collect()
}

/// As the chart gives it: for the one signer.
fn without_wildcard(asked: Vec<Asked>) -> Vec<Review> {
    let mut reviews = answered(asked, true);
    for review in &mut reviews {
        review.allowed = Ok(!review.asked.name.ends_with("/*"));
    }
    reviews
}

fn controller() -> Value {
    json!({
        "metadata": {"namespace": "cert-manager", "name": "cert-manager", "labels": {
            "app.kubernetes.io/name": "cert-manager", "app.kubernetes.io/component": "controller",
            "app.kubernetes.io/version": "v1.21.0",
        }},
        "spec": {"template": {"spec": {"serviceAccountName": "cert-manager"}}},
        "status": {"availableReplicas": 1, "conditions": [
            {"type": "Available", "status": "True", "message": "Deployment has minimum availability."},
        ]},
    })
}

fn webhooks(plural: &str) -> Value {
    let rule = json!({"apiGroups": ["cert-manager.io"], "resources": [plural]});
    json!({"metadata": {"name": "cert-manager-webhook"}, "webhooks": [{"rules": [rule]}]})
}

pub(super) fn ca_issuer(namespace: &str, name: &str, secret: &str) -> Value {
    json!({
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"ca": {"secretName": secret}},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    })
}

fn policy() -> Value {
    json!({
        "metadata": {"name": "spiffe-issuer", "labels": {"app.kubernetes.io/instance": "spiffe"}},
        "spec": {"matchConditions": [
            {"name": "for-our-issuer", "expression": "(oldObject.spec.issuerRef.name == \"spiffe-ca\")"},
        ]},
    })
}

pub(super) fn node(name: &str) -> Value {
    json!({
        "metadata": {"name": name, "labels": {"kubernetes.io/os": "linux"}},
        "spec": {},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    })
}

pub(super) fn lease(renewed: &str) -> Value {
    json!({
        "metadata": {"namespace": "cert-manager", "name": DRIVER},
        "spec": {"holderIdentity": "spiffe-approver-0", "leaseDurationSeconds": 15, "renewTime": renewed},
    })
}

pub(super) fn driver_pod() -> Value {
    json!({
        "metadata": {"namespace": "cert-manager", "name": "spiffe-driver-x", "uid": "driver",
            "ownerReferences": [{"kind": "DaemonSet", "uid": "set"}]},
        "spec": {"nodeName": "node-1", "serviceAccountName": "spiffe"},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

pub(super) fn workload_pod() -> Value {
    json!({
        "metadata": {"namespace": "payments", "name": "api", "uid": "api", "creationTimestamp": BEFORE},
        "spec": {
            "nodeName": "node-1",
            "serviceAccountName": "api",
            "volumes": [{"name": "spiffe", "csi": {"driver": DRIVER, "readOnly": true}}],
            "containers": [{"volumeMounts": [{"name": "spiffe", "mountPath": "/spiffe"}]}],
        },
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

/// A request of our driver for that pod.
pub(super) fn request(status: &Value) -> Value {
    json!({
        "metadata": {"namespace": "payments", "name": "api-1", "creationTimestamp": BEFORE,
            "annotations": {"spiffe.csi.cert-manager.io/identity": "spiffe://example.org/ns/payments/sa/api"},
            "ownerReferences": [{"kind": "Pod", "uid": "api"}]},
        "spec": {"issuerRef": {"name": "spiffe-ca", "kind": "ClusterIssuer", "group": "cert-manager.io"}},
        "status": status,
    })
}

/// A root that ends then, and an SVID that it signed.
pub(super) fn certificates(name: &str, end: &str) -> (String, String) {
    let end: jiff::Timestamp = end.parse().unwrap();
    let mut root = params(name, end);
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate().unwrap();
    let certificate = root.self_signed(&key).unwrap();
    let signer = Issuer::new(root, key);
    let mut leaf = params("", "2026-11-25T13:00:00Z".parse().unwrap());
    let id = "spiffe://example.org/ns/payments/sa/api"
        .try_into()
        .unwrap();
    leaf.subject_alt_names = vec![SanType::URI(id)];
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    let leaf = leaf
        .signed_by(&KeyPair::generate().unwrap(), &signer)
        .unwrap();
    (certificate.pem(), leaf.pem())
}

fn params(name: &str, end: jiff::Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    if !name.is_empty() {
        params.distinguished_name.push(DnType::CommonName, name);
    }
    let start: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    params.not_before = std::time::SystemTime::from(start).into();
    params.not_after = std::time::SystemTime::from(end).into();
    params
}
