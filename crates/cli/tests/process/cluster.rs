use std::time::Duration;

use base64::Engine as _;
use rcgen::{CertificateParams, DistinguishedName, KeyPair, SanType};
use rustix::process::Signal;
use serde_json::{Value, json};
use svid_devcluster::{Cluster, Identity, Options, resource};

use crate::certificates::SPIFFE_ID;
use crate::program::Running;

const LIMIT: Duration = Duration::from_secs(30);

/// A request that asks for an identity of a service account.
fn request_of_an_administrator() -> Value {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.subject_alt_names = vec![SanType::URI(SPIFFE_ID.try_into().unwrap())];
    let request = params
        .serialize_request(&KeyPair::generate().unwrap())
        .unwrap();
    json!({
        "metadata": {"name": "forged", "annotations": {"spiffe.csi.cert-manager.io/identity": SPIFFE_ID}},
        "spec": {
            "request": base64::engine::general_purpose::STANDARD.encode(request.pem().unwrap()),
            "duration": "1h0m0s",
            "usages": ["digital signature", "key encipherment", "server auth", "client auth"],
            "issuerRef": {"name": "my-spiffe-ca", "kind": "ClusterIssuer", "group": "cert-manager.io"},
        },
    })
}

fn holder(lease: &Value) -> &str {
    lease
        .pointer("/spec/holderIdentity")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_approver_leads_and_denies_by_its_kubeconfig_alone_and_gives_the_lease_away() {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    let cluster = Cluster::start(Options::default()).await.unwrap();
    cluster
        .write_kubeconfig(&kubeconfig, &Identity::Approver)
        .unwrap();
    let word = format!("--kubeconfig={}", kubeconfig.display());
    let quiet = [
        "--readiness-probe-bind-address=0",
        "--metrics-bind-address=0",
    ];
    let mut approver = Running::start(&[&["approver", &word, "-v=2"][..], &quiet].concat());

    let objects = cluster.objects();
    let held = |lease: &Value| !holder(lease).is_empty();
    objects
        .wait_for(&resource::LEASES, Some("cert-manager"), LIMIT, held)
        .await
        .unwrap();
    objects
        .create(
            &resource::CERTIFICATE_REQUESTS,
            "default",
            request_of_an_administrator(),
        )
        .unwrap();
    let denied = |request: &Value| {
        let conditions = request
            .pointer("/status/conditions")
            .and_then(Value::as_array);
        conditions.is_some_and(|all| all.iter().any(|one| one["type"] == "Denied"))
    };
    objects
        .wait_for(
            &resource::CERTIFICATE_REQUESTS,
            Some("default"),
            LIMIT,
            denied,
        )
        .await
        .unwrap();
    approver.signal(Signal::TERM);

    assert_eq!(tokio::task::block_in_place(|| approver.exit_code()), 0);
    let leases = objects.list(&resource::LEASES, Some("cert-manager"));
    assert_eq!(leases.len(), 1);
    assert_eq!(holder(&leases[0]), "");
    cluster.shutdown().await;
}
