//! Pods that are only objects, and their tokens.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::{Namespace, Pod, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// One pod with one volume, as the kubelet knows it.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    pub(crate) name: String,
    pub(crate) uid: String,
    /// Bound to the pod.
    pub(crate) token: String,
    /// When the token ends, as the API server writes it.
    pub(crate) expiry: String,
}

impl Workload {
    /// The folder that the kubelet makes; the target is in it.
    pub(crate) fn folder(&self, kubelet: &Path) -> PathBuf {
        let pod = kubelet.join("pods").join(&self.uid);
        pod.join("volumes/kubernetes.io~csi/spiffe")
    }
}

/// Creates the namespace, the account, its right to ask for certificates, and pods.
pub(crate) async fn create(client: &Client, count: usize) -> Result<Vec<Workload>> {
    apply::<Namespace>(
        &Api::all(client.clone()),
        json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE},
        }),
    )
    .await?;
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), NAMESPACE);
    apply(
        &accounts,
        json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT},
        }),
    )
    .await?;
    apply::<Role>(
        &Api::namespaced(client.clone(), NAMESPACE),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
            "metadata": {"name": ACCOUNT},
            "rules": [{"apiGroups": ["cert-manager.io"], "resources": ["certificaterequests"],
                "verbs": ["create"]}],
        }),
    )
    .await?;
    apply::<RoleBinding>(
        &Api::namespaced(client.clone(), NAMESPACE),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": ACCOUNT},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ACCOUNT},
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": NAMESPACE}],
        }),
    )
    .await?;
    let pods: Api<Pod> = Api::namespaced(client.clone(), NAMESPACE);
    let made = stream::iter(0..count).map(|index| workload(&pods, &accounts, index));
    made.buffer_unordered(20).try_collect().await
}

/// Deletes the namespace's requests and pods, and the namespace.
pub(crate) async fn delete(client: &Client) -> Result<()> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), NAMESPACE);
    let at_once = DeleteParams::default().grace_period(0);
    pods.delete_collection(&at_once, &ListParams::default())
        .await?;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces
        .delete(NAMESPACE, &DeleteParams::default())
        .await?;
    Ok(())
}

async fn workload(
    pods: &Api<Pod>,
    accounts: &Api<ServiceAccount>,
    index: usize,
) -> Result<Workload> {
    let name = format!("w{index}");
    let pod = json!({
        "metadata": {"name": name},
        "spec": {
            "serviceAccountName": ACCOUNT,
            "nodeName": NODE,
            "automountServiceAccountToken": false,
            // The node has no kubelet, and what is on such a node is evicted.
            "tolerations": [{"operator": "Exists"}],
            "containers": [{"name": "main", "image": "localhost/pause:1",
                "volumeMounts": [{"name": "spiffe", "mountPath": "/spiffe"}]}],
            "volumes": [{"name": "spiffe",
                "csi": {"driver": "spiffe.csi.cert-manager.io", "readOnly": true}}],
        },
    });
    let pod = match pods
        .create(&PostParams::default(), &serde_json::from_value(pod)?)
        .await
    {
        Err(kube::Error::Api(status)) if status.code == 409 => pods.get(&name).await?,
        made => made.with_context(|| format!("creating the pod {name}"))?,
    };
    let uid = pod.uid().context("a pod without UID")?;
    let request: TokenRequest = serde_json::from_value(json!({
        "spec": {
            "audiences": [],
            "expirationSeconds": 7200,
            "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid},
        },
    }))?;
    let parameters = PostParams::default();
    let token = accounts.create_token_request(ACCOUNT, &parameters, &request);
    let status = token.await?.status.context("no token was made")?;
    Ok(Workload {
        name,
        uid,
        token: status.token.context("an empty token")?,
        expiry: serde_json::to_value(status.expiration_timestamp)?
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    })
}

async fn apply<K>(api: &Api<K>, object: Value) -> Result<()>
where
    K: Clone + DeserializeOwned + std::fmt::Debug,
{
    let name = object.pointer("/metadata/name").and_then(Value::as_str);
    let name = name.context("an object without name")?.to_owned();
    let parameters = PatchParams::apply("bench").force();
    let applied = api.patch(&name, &parameters, &Patch::Apply(object)).await;
    applied.with_context(|| format!("applying {name}"))?;
    Ok(())
}

pub(crate) const NAMESPACE: &str = "spiffe-bench";
pub(crate) const ACCOUNT: &str = "workload";
/// The cluster's only node, an object.
pub(crate) const NODE: &str = "node-1";
/// What every certificate of the namespace is for.
pub(crate) const SPIFFE_ID: &str = "spiffe://cluster.local/ns/spiffe-bench/sa/workload";
