//! A cluster with a workload in it, and clients.

use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::{Value, json};
use svid_api::certmanager::CertificateRequest;
use svid_devcluster::{Binding, Cluster, Identity, Object, Options, ServiceAccountName, resource};

use crate::csr;

/// Nothing here takes longer, unless it is broken.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) async fn cluster() -> Cluster {
    cluster_with(Options::default()).await
}

pub(crate) async fn cluster_with(options: Options) -> Cluster {
    Cluster::start(options).await.expect("cluster")
}

/// The service account of most tests.
pub(crate) fn till() -> ServiceAccountName {
    ServiceAccountName::new("shop", "till")
}

/// A service account token of [`till`], which may create requests.
pub(crate) fn till_token(cluster: &Cluster) -> String {
    cluster.enroll(&till()).expect("enrolled");
    token(cluster, &Identity::ServiceAccount(till(), Binding::None))
}

pub(crate) fn token(cluster: &Cluster, identity: &Identity) -> String {
    let token = cluster.token(identity).expect("token");
    token.expect("an identity with a token")
}

/// kube's client, configured as the two processes are: by a kubeconfig.
pub(crate) async fn client(cluster: &Cluster, identity: &Identity) -> Client {
    let text = cluster.kubeconfig(identity).expect("kubeconfig");
    let kubeconfig = Kubeconfig::from_yaml(&text).expect("YAML");
    let options = KubeConfigOptions::default();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .expect("config");
    config.default_retry = false;
    Client::try_from(config).expect("client")
}

pub(crate) fn requests(client: &Client) -> Api<CertificateRequest> {
    Api::namespaced(client.clone(), "shop")
}

/// A certificate request as the driver makes them, for the identity of [`till`].
pub(crate) fn request_body(name: &str) -> Value {
    request_with(
        name,
        &csr::for_uri("spiffe://cluster.local/ns/shop/sa/till"),
    )
}

pub(crate) fn request_with(name: &str, csr_pem: &str) -> Value {
    use base64::Engine;
    let request = base64::engine::general_purpose::STANDARD.encode(csr_pem);
    json!({
        "apiVersion": "cert-manager.io/v1",
        "kind": "CertificateRequest",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "request": request,
            "duration": "1h0m0s",
            "issuerRef": {"name": "spiffe-ca", "kind": "ClusterIssuer", "group": "cert-manager.io"},
            "usages": ["digital signature", "key encipherment", "server auth", "client auth"],
        },
    })
}

/// A request that the administrator has created in the name of nobody in particular.
pub(crate) fn create_request(cluster: &Cluster, name: &str) -> Object {
    cluster.enroll(&till()).expect("enrolled");
    cluster
        .objects()
        .create(&resource::CERTIFICATE_REQUESTS, "shop", request_body(name))
        .expect("request")
}

/// Sets a condition in a request's status, as the administrator.
pub(crate) fn decide(cluster: &Cluster, name: &str, condition: &str) {
    let status = json!({"status": {"conditions": [{
        "type": condition,
        "status": "True",
        "reason": "test",
        "message": "decided by a test",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }]}});
    cluster
        .objects()
        .merge_status(&resource::CERTIFICATE_REQUESTS, "shop", name, &status)
        .expect("decided");
}

/// Waits until a request has ended and returns it.
pub(crate) async fn ended(cluster: &Cluster, name: &str) -> Object {
    cluster
        .objects()
        .wait_for(
            &resource::CERTIFICATE_REQUESTS,
            Some("shop"),
            LIMIT,
            |request| request["metadata"]["name"] == name && ready(request).is_some(),
        )
        .await
        .expect("the request ends")
}

/// The reason of the Ready condition.
pub(crate) fn ready(request: &Value) -> Option<&str> {
    let conditions = request["status"]["conditions"].as_array()?;
    let ready = conditions
        .iter()
        .find(|condition| condition["type"] == "Ready")?;
    ready["reason"].as_str()
}
