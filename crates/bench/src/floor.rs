//! The minimum that a certificate can cost: a client that creates a request, approves it and waits
//! on one shared watch until it is signed, with keys generated in advance.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair, SanType};
use serde_json::{Value, json};

use crate::csi::Calls;
use crate::sample::Sample;
use crate::watch::{Stage, Watch};
use crate::workloads::{NAMESPACE, SPIFFE_ID, Workload};

/// Creates, approves and deletes requests.
pub(crate) struct Floor {
    administrator: Api<DynamicObject>,
    approver: Api<DynamicObject>,
    workload: Api<DynamicObject>,
    spec: Value,
    owner: Value,
}

impl Floor {
    /// `approver` has the approver's rights, since cert-manager asks the API server for those of
    /// everybody but an administrator; `client` has the token of `workload`.
    pub(crate) fn new(
        administrator: &Client,
        approver: &Client,
        client: &Client,
        workload: &Workload,
    ) -> Result<Self> {
        Ok(Self {
            owner: json!({
                "apiVersion": "v1", "kind": "Pod", "name": workload.name, "uid": workload.uid,
            }),
            administrator: requests(administrator),
            approver: requests(approver),
            workload: requests(client),
            spec: spec()?,
        })
    }

    /// Requests as the administrator sees them.
    pub(crate) fn requests(&self) -> &Api<DynamicObject> {
        &self.administrator
    }

    /// Gets this many certificates, some at once.
    pub(crate) async fn issue(&self, prefix: &str, count: usize, at_once: usize) -> Result<Calls> {
        let watch = Watch::open(&self.administrator, Stage::Signed).await?;
        let names: Vec<String> = (0..count)
            .map(|index| format!("{prefix}-{index}"))
            .collect();
        let start = Instant::now();
        let issued = stream::iter(&names).map(|name| self.issue_one(name, &watch));
        let each: Vec<Duration> = issued.buffer_unordered(at_once).try_collect().await?;
        let all = start.elapsed();
        self.delete(&names).await?;
        Ok(Calls {
            each: Sample::new(each),
            all,
        })
    }

    async fn issue_one(&self, name: &str, watch: &Watch) -> Result<Duration> {
        let expected = watch.expect(name).await;
        let start = Instant::now();
        self.create_for(FLOOR_ISSUER, name).await?;
        approve(&self.administrator, name).await?;
        Ok(expected.seen().await?.duration_since(start))
    }

    /// Creates a request as a workload, for the issuer of the product.
    pub(crate) async fn create(&self, name: &str) -> Result<()> {
        self.create_for(ISSUER, name).await
    }

    async fn create_for(&self, issuer: &str, name: &str) -> Result<()> {
        let mut spec = self.spec.clone();
        if let Some(name) = spec.pointer_mut("/issuerRef/name") {
            *name = json!(issuer);
        }
        let request: DynamicObject = serde_json::from_value(json!({
            "apiVersion": "cert-manager.io/v1", "kind": "CertificateRequest",
            "metadata": {
                "name": name,
                "annotations": {"spiffe.csi.cert-manager.io/identity": SPIFFE_ID},
                "ownerReferences": [self.owner],
            },
            "spec": spec,
        }))?;
        let created = self.workload.create(&PostParams::default(), &request).await;
        created.with_context(|| format!("creating {name}"))?;
        Ok(())
    }

    /// Approves a request for the issuer of the product that has no status yet.
    pub(crate) async fn approve(&self, name: &str) -> Result<()> {
        approve(&self.approver, name).await
    }

    /// Deletes requests.
    pub(crate) async fn delete(&self, names: &[String]) -> Result<()> {
        let deleted = stream::iter(names).map(|name| async move {
            self.administrator
                .delete(name, &DeleteParams::default())
                .await
        });
        let _deleted: Vec<_> = deleted.buffer_unordered(20).try_collect().await?;
        Ok(())
    }
}

async fn approve(requests: &Api<DynamicObject>, name: &str) -> Result<()> {
    let patch = Patch::Merge(json!({"status": {"conditions": [{
        "type": "Approved", "status": "True", "reason": "bench", "message": "bench",
        "lastTransitionTime": Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    }]}}));
    let parameters = PatchParams::default();
    let approved = requests.patch_status(name, &parameters, &patch);
    approved
        .await
        .with_context(|| format!("approving {name}"))?;
    Ok(())
}

/// The namespace's requests, as a client may see them.
fn requests(client: &Client) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("cert-manager.io", "v1", "CertificateRequest");
    let resource = ApiResource::from_gvk_with_plural(&kind, "certificaterequests");
    Api::namespaced_with(client.clone(), NAMESPACE, &resource)
}

fn spec() -> Result<Value> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.subject_alt_names = vec![SanType::URI(SPIFFE_ID.try_into()?)];
    let key = KeyPair::generate()?;
    let request = parameters.serialize_request(&key)?.pem()?;
    Ok(json!({
        "request": STANDARD.encode(request),
        "duration": "1h0m0s",
        "usages": ["digital signature", "key encipherment", "server auth", "client auth"],
        "issuerRef": {"name": ISSUER, "kind": "ClusterIssuer", "group": "cert-manager.io"},
    }))
}

/// A second issuer with the same CA, which the product's approver leaves alone.
pub(crate) async fn create_issuer(administrator: &Client) -> Result<()> {
    let kind = GroupVersionKind::gvk("cert-manager.io", "v1", "ClusterIssuer");
    let resource = ApiResource::from_gvk_with_plural(&kind, "clusterissuers");
    let issuers: Api<DynamicObject> = Api::all_with(administrator.clone(), &resource);
    let ours = issuers.get(ISSUER).await.context("reading the issuer")?;
    let second = Patch::Apply(json!({
        "apiVersion": "cert-manager.io/v1", "kind": "ClusterIssuer",
        "metadata": {"name": FLOOR_ISSUER},
        "spec": ours.data.get("spec"),
    }));
    let parameters = PatchParams::apply("bench").force();
    let applied = issuers.patch(FLOOR_ISSUER, &parameters, &second);
    applied.await.context("creating the second issuer")?;
    Ok(())
}

/// The issuer of the product.
const ISSUER: &str = "spiffe-ca";
const FLOOR_ISSUER: &str = "spiffe-bench-floor";
