//! Pods, as far as their end goes: nothing here runs one.

use futures::FutureExt;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::Contract;
use crate::namespace::{TestNamespace, code, until};
use crate::requests::{self, REQUESTS};

pub(crate) const CONTRACTS: &[Contract] = crate::named![
    a_pod_on_a_node_is_only_marked_until_its_kubelet_removes_it,
    a_pod_that_its_kubelet_is_done_with_waits_for_its_finalizers_only,
    requests_go_with_the_pod_that_owns_them,
];

/// On a node that does not exist, so that no kubelet sees it.
pub(crate) fn pod(name: &str, account: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "nodeName": "contract",
            "serviceAccountName": account,
            "containers": [{"name": "main", "image": "example.org/none"}],
        },
    })
}

fn pods(room: &TestNamespace) -> Api<Pod> {
    Api::namespaced(room.administrator(), &room.namespace)
}

async fn a_pod_on_a_node_is_only_marked_until_its_kubelet_removes_it(room: TestNamespace) {
    let pods = pods(&room);
    let mut body: Pod = serde_json::from_value(pod("p", "default")).expect("pod");
    body.spec.as_mut().expect("spec").service_account_name = None;
    body.status.get_or_insert_default().phase = Some("Running".to_owned());
    let created = pods
        .create(&PostParams::default(), &body)
        .await
        .expect("created");
    assert_eq!(created.metadata.generation, Some(1));
    let phase = created.status.and_then(|status| status.phase);
    assert_eq!(phase.as_deref(), Some("Pending"));
    let account = created.spec.and_then(|spec| spec.service_account_name);
    assert_eq!(account.as_deref(), Some("default"));
    pods.delete("p", &DeleteParams::default())
        .await
        .expect("marked");
    let marked = pods.get("p").await.expect("still there").metadata;
    assert!(marked.deletion_timestamp.is_some());
    assert_eq!(marked.deletion_grace_period_seconds, Some(30));
    let now = DeleteParams::default().grace_period(0);
    pods.delete("p", &now).await.expect("removed");
    assert!(pods.get_opt("p").await.expect("read").is_none());
    body.spec.as_mut().expect("spec").service_account_name = Some("nobody".to_owned());
    let refused = pods.create(&PostParams::default(), &body).await;
    assert_eq!(code(refused), 403, "no such service account");
}

async fn a_pod_that_its_kubelet_is_done_with_waits_for_its_finalizers_only(room: TestNamespace) {
    let pods = pods(&room);
    let mut body: Pod = serde_json::from_value(pod("p", "default")).expect("pod");
    body.metadata.finalizers = Some(vec!["example.org/hold".to_owned()]);
    pods.create(&PostParams::default(), &body)
        .await
        .expect("created");
    for grace in [20, 0, 25] {
        let params = DeleteParams::default().grace_period(grace);
        pods.delete("p", &params).await.expect("marked");
    }
    let marked = pods.get("p").await.expect("held").metadata;
    assert_eq!(
        marked.deletion_grace_period_seconds,
        Some(0),
        "the least counts"
    );
    let release = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    let released = pods.patch("p", &PatchParams::default(), &release).await;
    released.expect("patched");
    assert!(pods.get_opt("p").await.expect("read").is_none());
}

async fn requests_go_with_the_pod_that_owns_them(room: TestNamespace) {
    let path = room.path("", "pods");
    let owner = room
        .admin("POST", &path, &pod("p", "default"))
        .await
        .expect("pod");
    let mut body = requests::body("x");
    body["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "v1", "kind": "Pod", "name": "p", "uid": owner["metadata"]["uid"],
    }]);
    let requests = room.path("cert-manager.io", REQUESTS);
    room.admin("POST", &requests, &body).await.expect("request");
    let now = format!("{path}/p?gracePeriodSeconds=0");
    room.admin("DELETE", &now, &Value::Null)
        .await
        .expect("deleted");
    until("the request is gone", || {
        async {
            let path = format!("{requests}/x");
            room.admin("GET", &path, &Value::Null).await.is_err()
        }
        .boxed()
    })
    .await;
}
