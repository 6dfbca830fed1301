//! The namespace that one promise is checked in, and helpers for it.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use http::Request;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{DeleteParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::server::{Right, Server};

/// A namespace of its own.
#[derive(Clone, Debug)]
pub(crate) struct TestNamespace {
    server: Server,
    pub(crate) namespace: String,
}

impl TestNamespace {
    pub(crate) async fn open(server: &Server) -> Self {
        Self::open_labelled(server, json!({})).await
    }

    async fn open_labelled(server: &Server, labels: Value) -> Self {
        let namespaces: Api<Namespace> = Api::all(server.administrator.clone());
        let body = json!({"metadata": {"generateName": "contract-", "labels": labels}});
        let body = serde_json::from_value(body).expect("namespace");
        let made = namespaces.create(&PostParams::default(), &body).await;
        let room = Self {
            server: server.clone(),
            namespace: made.expect("namespace").metadata.name.expect("name"),
        };
        until("the namespace has its default service account", || {
            async {
                let path = room.path("", "serviceaccounts");
                let path = format!("{path}/default");
                room.admin("GET", &path, &Value::Null).await.is_ok()
            }
            .boxed()
        })
        .await;
        room
    }

    /// A second namespace, with labels.
    pub(crate) async fn beside(&self, labels: Value) -> Self {
        Self::open_labelled(&self.server, labels).await
    }

    /// Deletes the namespace without waiting.
    pub(crate) async fn close(&self) {
        let namespaces: Api<Namespace> = Api::all(self.administrator());
        let params = DeleteParams::default();
        let gone = namespaces.delete(&self.namespace, &params).await;
        gone.expect("namespace deleted");
    }

    pub(crate) fn administrator(&self) -> Client {
        self.server.administrator.clone()
    }

    /// A client with this bearer token, or with none.
    pub(crate) fn bearer(&self, token: Option<&str>) -> Client {
        (self.server.bearer)(token)
    }

    /// ConfigMaps, as the administrator.
    pub(crate) fn maps(&self) -> Api<ConfigMap> {
        Api::namespaced(self.administrator(), &self.namespace)
    }

    /// A ConfigMap that is there, labelled as one of this check.
    pub(crate) async fn map(&self, name: &str) -> ConfigMap {
        let params = PostParams::default();
        let made = self.maps().create(&params, &config_map(name, "1")).await;
        made.expect(name)
    }

    /// The path of a type in this namespace.
    pub(crate) fn path(&self, group: &str, plural: &str) -> String {
        let root = if group.is_empty() {
            "/api/v1".to_owned()
        } else {
            format!("/apis/{group}/v1")
        };
        format!("{root}/namespaces/{}/{plural}", self.namespace)
    }

    /// What the administrator is answered.
    pub(crate) async fn admin(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<Value, kube::Error> {
        send(&self.administrator(), method, path, body).await
    }

    /// A service account that is there, without rights, and a client that has its token.
    pub(crate) async fn account(&self, name: &str) -> Client {
        let path = self.path("", "serviceaccounts");
        let body = json!({"metadata": {"name": name}});
        self.admin("POST", &path, &body)
            .await
            .expect("service account");
        let made = self.token(name, &json!({})).await.expect("token");
        let token = made["status"]["token"].as_str().expect("token");
        self.bearer(Some(token))
    }

    /// A TokenRequest for a service account.
    pub(crate) async fn token(&self, account: &str, spec: &Value) -> Result<Value, kube::Error> {
        let path = self.path("", "serviceaccounts");
        let body = json!({"metadata": {}, "spec": spec});
        self.admin("POST", &format!("{path}/{account}/token"), &body)
            .await
    }

    /// Gives an account of this namespace a right in cert-manager's group.
    pub(crate) async fn allow(
        &self,
        account: &str,
        resource: &'static str,
        verbs: &'static [&'static str],
        name: Option<&'static str>,
    ) {
        self.allow_in("cert-manager.io", account, resource, verbs, name)
            .await;
    }

    /// The same in another group.
    pub(crate) async fn allow_in(
        &self,
        group: &'static str,
        account: &str,
        resource: &'static str,
        verbs: &'static [&'static str],
        name: Option<&'static str>,
    ) {
        let right = Right {
            namespace: self.namespace.clone(),
            account: account.to_owned(),
            everywhere: resource == "signers",
            group,
            resource,
            verbs,
            name,
        };
        (self.server.grant)(right).await;
    }
}

/// A ConfigMap of one key, labelled as one of this check: a real namespace has one more.
pub(crate) fn config_map(name: &str, value: &str) -> ConfigMap {
    let metadata = json!({"name": name, "labels": {"of": "contract"}});
    let body = json!({"metadata": metadata, "data": {"key": value}});
    serde_json::from_value(body).expect("ConfigMap")
}

/// One request, and the object that comes back.
pub(crate) async fn send(
    client: &Client,
    method: &str,
    path: &str,
    body: &Value,
) -> Result<Value, kube::Error> {
    let kind = match method {
        "PATCH" => "application/merge-patch+json",
        _ => "application/json",
    };
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    send_as(client, method, path, kind, &body).await
}

/// The same with any content type and any text.
pub(crate) async fn send_as(
    client: &Client,
    method: &str,
    path: &str,
    content_type: &str,
    body: &str,
) -> Result<Value, kube::Error> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("Content-Type", content_type)
        .body(body.into())
        .expect("request");
    client.request(request).await
}

/// Code and reason of a refusal.
pub(crate) fn refusal<T: std::fmt::Debug>(outcome: Result<T, kube::Error>) -> (u16, String) {
    match outcome {
        Err(kube::Error::Api(status)) => (status.code, status.reason.clone()),
        other => panic!("it was not refused: {other:?}"),
    }
}

pub(crate) fn code<T: std::fmt::Debug>(outcome: Result<T, kube::Error>) -> u16 {
    refusal(outcome).0
}

/// Waits for what a real server does in the background.
pub(crate) async fn until<'a>(what: &str, is_so: impl Fn() -> BoxFuture<'a, bool> + Send + Sync) {
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    let waited = async {
        while !is_so().await {
            ticks.tick().await;
        }
    };
    let limit = tokio::time::timeout(LIMIT, waited).await;
    limit.unwrap_or_else(|_elapsed| panic!("not within {LIMIT:?}: {what}"));
}

/// Nothing here takes longer, unless it is broken.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);
