//! Rights on a real server: a ClusterRole per right, bound, and waited for.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, RoleBinding};
use kube::api::PostParams;
use kube::{Api, Client};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::namespace::until;
use crate::server::{Grant, Right};

/// Gives rights by RBAC. The role and its binding belong to the namespace that the right is for, so
/// they go with it.
pub fn rbac(administrator: Client) -> Grant {
    Arc::new(move |right| grant(administrator.clone(), right).boxed())
}

async fn grant(client: Client, right: Right) {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("{}-{count}", right.namespace);
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(client.clone());
    let owner = namespaces.get(&right.namespace).await.expect("namespace");
    let metadata = json!({"name": name, "ownerReferences": [{
        "apiVersion": "v1",
        "kind": "Namespace",
        "name": right.namespace,
        "uid": owner.metadata.uid,
    }]});
    let mut rule = json!({
        "apiGroups": [right.group],
        "resources": [right.resource],
        "verbs": right.verbs,
    });
    if let Some(name) = right.name {
        rule["resourceNames"] = json!([name]);
    }
    let role = json!({"metadata": metadata, "rules": [rule]});
    let binding = json!({
        "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{
            "kind": "ServiceAccount",
            "namespace": right.namespace,
            "name": right.account,
        }],
    });
    create::<ClusterRole>(&Api::all(client.clone()), role).await;
    if right.everywhere {
        create::<ClusterRoleBinding>(&Api::all(client.clone()), binding).await;
    } else {
        let bindings = Api::namespaced(client.clone(), &right.namespace);
        create::<RoleBinding>(&bindings, binding).await;
    }
    // The authorizer learns of it a moment later.
    until("the right holds", || {
        async {
            for verb in right.verbs {
                if !allows(&client, &right, verb).await {
                    return false;
                }
            }
            true
        }
        .boxed()
    })
    .await;
}

async fn create<K>(api: &Api<K>, body: Value)
where
    K: Clone + Debug + DeserializeOwned + Serialize + Send + Sync,
{
    let object = serde_json::from_value(body).expect("object");
    api.create(&PostParams::default(), &object)
        .await
        .expect("created");
}

async fn allows(client: &Client, right: &Right, verb: &str) -> bool {
    let (resource, subresource) = match right.resource.split_once('/') {
        Some((resource, subresource)) => (resource, subresource),
        None => (right.resource, ""),
    };
    let review = json!({"metadata": {}, "spec": {
        "user": format!("system:serviceaccount:{}:{}", right.namespace, right.account),
        "resourceAttributes": {
            "group": right.group,
            "resource": resource,
            "subresource": subresource,
            "verb": verb,
            "name": right.name.unwrap_or_default(),
            "namespace": if right.everywhere { "" } else { &right.namespace },
        },
    }});
    let review: SubjectAccessReview = serde_json::from_value(review).expect("review");
    let reviews: Api<SubjectAccessReview> = Api::all(client.clone());
    let answer = reviews
        .create(&PostParams::default(), &review)
        .await
        .expect("reviewed");
    answer.status.is_some_and(|status| status.allowed)
}
