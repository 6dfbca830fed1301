//! The one Pod that a decision in node-attested mode is based on.
//!
//! Owns reading it and converting it into the policy's types. Invariant: every decision reads it
//! from the API server, never from a possibly stale cache; and a failed read is an error, not an
//! answer, so that a failing API server never causes a denial.

use std::collections::BTreeSet;
use std::fmt;

use k8s_openapi::api::core::v1;
use kube::Resource as _;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use svid_api::bounded::Text;
use svid_client::call::CALL_LIMIT;
use svid_client::{ApiClient, ApiError};
use svid_core::policy::{PodEvidence, PodReference};

/// Why a Pod could not be read. The request stays undecided.
#[derive(Debug, thiserror::Error)]
#[error(
    "reading the Pod {namespace}/{name} that the request is for: {error}{}",
    advice(error)
)]
pub(crate) struct PodError {
    namespace: String,
    name: String,
    error: ApiError,
}

impl PodError {
    /// What the API server answered.
    pub(crate) fn cause(&self) -> &ApiError {
        &self.error
    }
}

/// Reads a Pod by its namespace and name; None where there is none.
///
/// # Errors
/// Every answer but the Pod and "not found".
pub(crate) async fn read(
    client: &ApiClient,
    reference: &PodReference,
) -> Result<Option<PodEvidence>, PodError> {
    let PodReference {
        namespace, name, ..
    } = reference;
    let url = v1::Pod::url_path(&(), Some(namespace));
    let found = client.find::<StoredPod>(&url, name, CALL_LIMIT).await;
    found
        .map(|object| object.map(PodEvidence::from))
        .map_err(|error| PodError {
            namespace: namespace.clone(),
            name: name.clone(),
            error,
        })
}

/// Reads a Pod from its JSON, as [`read`] does.
#[cfg(feature = "testing")]
pub(crate) fn from_json(json: &[u8]) -> serde_json::Result<PodEvidence> {
    serde_json::from_slice::<StoredPod>(json).map(PodEvidence::from)
}

/// The parts of a Pod that a decision is based on. Nearly all of the rest, up to 1.5 MiB, is
/// written by its author and never decoded.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct StoredPod {
    metadata: Metadata,
    spec: Spec,
    status: Option<PodStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    namespace: String,
    name: String,
    uid: String,
    annotations: Option<PodAnnotations>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PodAnnotations {
    /// Marks a Pod that a kubelet has made, to show one of its own.
    #[serde(rename = "kubernetes.io/config.mirror")]
    mirror: Option<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    node_name: Option<Text<MOST_NAME>>,
    service_account_name: Option<Text<MOST_NAME>>,
    volumes: Option<CsiDrivers>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PodStatus {
    phase: Option<Text<MOST_NAME>>,
}

/// The drivers of all CSI volumes, each once.
#[derive(Debug, Default)]
struct CsiDrivers(BTreeSet<String>);

impl<'de> Deserialize<'de> for CsiDrivers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(VolumesVisitor)
    }
}

struct VolumesVisitor;

impl<'de> Visitor<'de> for VolumesVisitor {
    type Value = CsiDrivers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of volumes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut volumes: A) -> Result<CsiDrivers, A::Error> {
        #[derive(Deserialize)]
        struct PodVolume {
            csi: Option<Csi>,
        }
        #[derive(Deserialize)]
        struct Csi {
            driver: Text<MOST_NAME>,
        }
        let mut drivers = BTreeSet::new();
        while let Some(volume) = volumes.next_element::<PodVolume>()? {
            if let Some(csi) = volume.csi
                && drivers.len() < MOST_DRIVERS
            {
                drivers.insert(csi.driver.into_beginning());
            }
        }
        Ok(CsiDrivers(drivers))
    }
}

impl From<StoredPod> for PodEvidence {
    fn from(pod: StoredPod) -> Self {
        let text = |text: Option<Text<MOST_NAME>>| text.unwrap_or_default().into_beginning();
        Self {
            namespace: pod.metadata.namespace,
            name: pod.metadata.name,
            uid: pod.metadata.uid,
            node: text(pod.spec.node_name),
            service_account: text(pod.spec.service_account_name),
            is_mirror: pod
                .metadata
                .annotations
                .is_some_and(|annotations| annotations.mirror.is_some()),
            csi_drivers: pod.spec.volumes.unwrap_or_default().0.into_iter().collect(),
            phase: text(pod.status.and_then(|status| status.phase)),
        }
    }
}

fn advice(error: &ApiError) -> &'static str {
    if let ApiError::Forbidden(_) = error {
        "; grant the approver's service account the verb get on pods"
    } else {
        ""
    }
}

/// Bytes of a name; Kubernetes allows 253.
const MOST_NAME: usize = 256;
/// Different CSI drivers; a node has a handful.
const MOST_DRIVERS: usize = 256;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use svid_devcluster::{Answer, Key, resource};

    use super::*;
    use crate::world::World;

    fn key() -> Key {
        Key::new(&resource::PODS, "payments", "api-7")
    }

    fn reference() -> PodReference {
        PodReference {
            namespace: "payments".to_owned(),
            name: "api-7".to_owned(),
            uid: "u".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_pod_is_told_in_the_policys_words() {
        let world = World::new();
        let stored = world.put(
            &key(),
            json!({
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "api-7"},
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
        let found = read(&world.client("a"), &reference()).await.unwrap();
        let expected = PodEvidence {
            namespace: "payments".to_owned(),
            name: "api-7".to_owned(),
            uid: stored["metadata"]["uid"].as_str().unwrap().to_owned(),
            node: "node-1".to_owned(),
            service_account: "api".to_owned(),
            is_mirror: false,
            csi_drivers: vec!["other".to_owned(), "spiffe.csi.cert-manager.io".to_owned()],
            phase: "Running".to_owned(),
        };
        assert_eq!(found, Some(expected));
    }

    #[test]
    fn what_a_pod_does_not_say_is_empty() {
        let stored: StoredPod = serde_json::from_value(json!({"metadata": {"name": "x"}})).unwrap();
        let found = PodEvidence::from(stored);
        assert_eq!((found.node.as_str(), found.uid.as_str()), ("", ""));
        assert!(found.csi_drivers.is_empty() && !found.is_mirror);
    }

    #[tokio::test]
    async fn a_pod_that_a_kubelet_has_made_is_told_as_such() {
        let world = World::new();
        let annotations = json!({"kubernetes.io/config.mirror": ""});
        let metadata = json!({"name": "api-7", "annotations": annotations});
        let spec = json!({"serviceAccountName": "api"});
        world.put(&key(), json!({"metadata": metadata, "spec": spec}));
        let found = read(&world.client("a"), &reference()).await.unwrap();
        assert!(found.unwrap().is_mirror);
    }

    #[tokio::test]
    async fn absence_is_an_answer_and_trouble_is_none() {
        let world = World::new();
        let client = world.client("a");
        assert_eq!(read(&client, &reference()).await.unwrap(), None);
        let asked = Some(Duration::from_secs(7));
        for (answer, words, retry_after) in [
            (Answer::Forbidden, "verb get on pods", None),
            (
                Answer::TooManyRequests { retry_after: 7 },
                "throttling",
                asked,
            ),
            (Answer::ServerTimeout { retry_after: 7 }, "500", asked),
        ] {
            world.inject("get", &resource::PODS, answer);
            let error = read(&client, &reference()).await.unwrap_err();
            assert_eq!(error.cause().retry_after(), retry_after);
            let text = error.to_string();
            assert!(text.contains("Pod payments/api-7"), "{text}");
            assert!(text.contains(words), "{text}");
        }
    }
}
