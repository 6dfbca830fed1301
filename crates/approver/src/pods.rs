//! The one Pod that a decision of node-attested mode rests on.
//!
//! Owns reading it and putting it into the policy's words. Invariant: each decision reads it anew
//! from the API server, never from a cache that lags behind; and what could not be read is an error
//! and no answer, so that trouble with the API server never denies anything.

use std::time::Duration;

use http::StatusCode;
use k8s_openapi::api::core::v1;
use kube::api::GetParams;
use kube::{Client, Resource as _};
use svid_core::policy::{Pod, PodReference};
use thiserror::Error;

use crate::call::{CallError, call};

/// Why a Pod could not be read. The request stays undecided.
#[derive(Debug, Error)]
#[error(
    "reading the Pod {namespace}/{name} that the request is for: {error}{}",
    advice(error)
)]
pub(crate) struct PodError {
    namespace: String,
    name: String,
    error: CallError,
}

impl PodError {
    /// How long the server wants to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.error.retry_after()
    }
}

/// Reads a Pod by its namespace and name; None where there is none.
///
/// # Errors
/// Every answer but the Pod and "not found".
pub(crate) async fn read(
    client: &Client,
    reference: &PodReference,
) -> Result<Option<Pod>, PodError> {
    let PodReference {
        namespace, name, ..
    } = reference;
    let url = v1::Pod::url_path(&(), Some(namespace));
    // Without a resourceVersion: the newest there is.
    let request = kube::core::Request::new(url).get(name, &GetParams::default());
    match call::<v1::Pod>(client, request, LIMIT).await {
        Ok(object) => Ok(Some(pod(object))),
        Err(CallError::NotFound) => Ok(None),
        Err(error) => Err(PodError {
            namespace: namespace.clone(),
            name: name.clone(),
            error,
        }),
    }
}

fn pod(object: v1::Pod) -> Pod {
    let spec = object.spec.unwrap_or_default();
    let annotations = object.metadata.annotations.unwrap_or_default();
    let volumes = spec.volumes.unwrap_or_default();
    Pod {
        namespace: object.metadata.namespace.unwrap_or_default(),
        name: object.metadata.name.unwrap_or_default(),
        uid: object.metadata.uid.unwrap_or_default(),
        node: spec.node_name.unwrap_or_default(),
        service_account: spec.service_account_name.unwrap_or_default(),
        is_mirror: annotations.contains_key(MIRROR),
        csi_drivers: volumes
            .into_iter()
            .filter_map(|volume| Some(volume.csi?.driver))
            .collect(),
        phase: object
            .status
            .and_then(|status| status.phase)
            .unwrap_or_default(),
    }
}

fn advice(error: &CallError) -> &'static str {
    if let CallError::Refused { status, .. } = error
        && *status == StatusCode::FORBIDDEN
    {
        "; give the approver's service account the verb get on pods"
    } else {
        ""
    }
}

/// Marks a Pod that a kubelet has made, to show one of its own.
const MIRROR: &str = "kubernetes.io/config.mirror";
/// As for reading and writing requests.
const LIMIT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fake::{Effect, Fake};

    const PATH: &str = "/api/v1/namespaces/payments/pods/api-7";

    fn reference() -> PodReference {
        PodReference {
            namespace: "payments".to_owned(),
            name: "api-7".to_owned(),
            uid: "u".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_pod_is_told_in_the_policys_words() {
        let fake = Fake::default();
        fake.put(
            PATH,
            json!({
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"namespace": "payments", "name": "api-7", "uid": "u"},
                "spec": {
                    "nodeName": "node-1",
                    "serviceAccountName": "api",
                    "containers": [],
                    "volumes": [
                        {"name": "a", "emptyDir": {}},
                        {"name": "b", "csi": {"driver": "spiffe.csi.cert-manager.io"}},
                        {"name": "c", "csi": {"driver": "other"}},
                    ],
                },
                "status": {"phase": "Running"},
            }),
        );
        let found = read(&fake.client("a"), &reference()).await.unwrap();
        let expected = Pod {
            namespace: "payments".to_owned(),
            name: "api-7".to_owned(),
            uid: "u".to_owned(),
            node: "node-1".to_owned(),
            service_account: "api".to_owned(),
            is_mirror: false,
            csi_drivers: vec!["spiffe.csi.cert-manager.io".to_owned(), "other".to_owned()],
            phase: "Running".to_owned(),
        };
        assert_eq!(found, Some(expected));
    }

    #[tokio::test]
    async fn what_a_pod_does_not_say_is_empty() {
        let fake = Fake::default();
        fake.put(
            PATH,
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}}),
        );
        let found = read(&fake.client("a"), &reference())
            .await
            .unwrap()
            .unwrap();
        assert_eq!((found.node.as_str(), found.uid.as_str()), ("", ""));
        assert!(found.csi_drivers.is_empty() && !found.is_mirror);
    }

    #[tokio::test]
    async fn a_pod_that_a_kubelet_has_made_is_told_as_such() {
        let fake = Fake::default();
        let annotations = json!({"kubernetes.io/config.mirror": ""});
        let metadata = json!({"name": "x", "annotations": annotations});
        fake.put(
            PATH,
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata}),
        );
        let found = read(&fake.client("a"), &reference()).await.unwrap();
        assert!(found.unwrap().is_mirror);
    }

    #[tokio::test]
    async fn absence_is_an_answer_and_trouble_is_none() {
        let fake = Fake::default();
        let client = fake.client("a");
        assert_eq!(read(&client, &reference()).await.unwrap(), None);
        for (status, words) in [(403, "verb get on pods"), (429, "429"), (500, "500")] {
            fake.inject(
                "GET /api/v1/namespaces/payments/pods",
                Effect::Status(status, Some(7)),
            );
            let error = read(&client, &reference()).await.unwrap_err();
            assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
            let text = error.to_string();
            assert!(text.contains("Pod payments/api-7"), "{text}");
            assert!(text.contains(words), "{text}");
        }
    }
}
