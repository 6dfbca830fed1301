//! The ConfigMap from an API server that answers from a script.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use kube::client::Body;
use serde_json::{Value, json};

use kube::Client;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::ApiClient;

/// An API server that answers each request with the next of `answers`, then not at all.
fn client(answers: Vec<(StatusCode, String)>) -> (ApiClient, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let answers = Arc::new(Mutex::new(answers.into_iter()));
    let service = tower::service_fn(move |request: Request<Body>| {
        seen.lock().unwrap().push(request.uri().to_string());
        let answer = answers.lock().unwrap().next();
        async move {
            // In paused time: lets every state be seen before the next answer.
            tokio::time::sleep(Duration::from_secs(1)).await;
            let Some((code, body)) = answer else {
                std::future::pending().await
            };
            let body = Body::from(body.into_bytes());
            Ok::<_, Infallible>(Response::builder().status(code).body(body).unwrap())
        }
    });
    (ApiClient::new(Client::new(service, "default")), asked)
}

fn object(version: &str, issuer: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"namespace": "cert-manager", "name": "issuance", "resourceVersion": version},
        "data": {"issuer-name": issuer, "issuer-kind": "ClusterIssuer", "issuer-group": "cert-manager.io"},
    })
}

fn list(items: &[Value]) -> (StatusCode, String) {
    let body = json!({
        "apiVersion": "v1",
        "kind": "ConfigMapList",
        "metadata": {"resourceVersion": "1"},
        "items": items,
    });
    (StatusCode::OK, body.to_string())
}

fn event(kind: &str, object: &Value) -> (StatusCode, String) {
    (
        StatusCode::OK,
        format!("{}\n", json!({"type": kind, "object": object})),
    )
}

fn failure(code: StatusCode, message: &str) -> (StatusCode, String) {
    let body = json!({
        "apiVersion": "v1", "kind": "Status", "status": "Failure",
        "message": message, "reason": "Forbidden", "code": code.as_u16(),
    });
    (code, body.to_string())
}

fn flags() -> Option<IssuerReference> {
    Some(IssuerReference::new("flags", "ClusterIssuer", ""))
}

fn name() -> ConfigMapName {
    ConfigMapName {
        namespace: "cert-manager".to_owned(),
        name: "issuance".to_owned(),
    }
}

/// The names of the issuers seen one after the other, or the text of another state.
async fn states(answers: Vec<(StatusCode, String)>, count: usize) -> Vec<String> {
    let (client, _) = client(answers);
    let (source, mut receiver) = IssuerSource::new(flags(), Some(name()), || 0.5);
    assert!(matches!(
        receiver.borrow().current,
        IssuerState::NotYetRead(_)
    ));
    let shutdown = CancellationToken::new();
    let follow = async {
        let mut seen = Vec::new();
        while seen.len() < count {
            receiver.changed().await.unwrap();
            seen.push(match &receiver.borrow_and_update().current {
                IssuerState::Known(issuer) => issuer.name.clone(),
                IssuerState::Missing(text) | IssuerState::NotYetRead(text) => text.clone(),
            });
        }
        shutdown.cancel();
        seen
    };
    let both = async { tokio::join!(source.run(client, |_| {}, shutdown.clone()), follow).1 };
    tokio::time::timeout(Duration::from_secs(300), both)
        .await
        .expect("no more states")
}

#[tokio::test(start_paused = true)]
async fn follows_the_config_map_and_falls_back_to_the_flags_when_it_is_deleted() {
    let answers = vec![
        list(&[object("1", "first")]),
        event("MODIFIED", &object("2", "second")),
        event("DELETED", &object("3", "second")),
        event("ADDED", &object("4", "third")),
    ];
    assert_eq!(
        states(answers, 4).await,
        ["first", "second", "flags", "third"]
    );
}

#[tokio::test(start_paused = true)]
async fn an_absent_config_map_leaves_the_flags() {
    assert_eq!(states(vec![list(&[])], 1).await, ["flags"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_known_while_reading_is_forbidden_and_the_text_says_what_to_grant() {
    let forbidden = failure(
        StatusCode::FORBIDDEN,
        "configmaps \"issuance\" is forbidden",
    );
    let answers = vec![forbidden.clone(), forbidden, list(&[object("1", "first")])];
    let [text, issuer] = states(answers, 2).await.try_into().unwrap();
    assert!(text.contains("cert-manager/issuance"), "{text}");
    assert!(text.contains("get, list and watch"), "{text}");
    assert_eq!(issuer, "first");
}

#[tokio::test(start_paused = true)]
async fn an_outage_after_the_first_read_changes_nothing() {
    let answers = vec![
        list(&[object("1", "first")]),
        failure(StatusCode::INTERNAL_SERVER_ERROR, "etcd"),
        event(
            "ERROR",
            &json!({"status": "Failure", "code": 410, "reason": "Expired", "message": "too old"}),
        ),
        list(&[object("5", "second")]),
    ];
    assert_eq!(states(answers, 2).await, ["first", "second"]);
}

#[tokio::test(start_paused = true)]
async fn another_config_map_is_not_listened_to() {
    let mut stranger = object("1", "stranger");
    stranger["metadata"]["name"] = json!("stranger");
    let answers = vec![
        list(&[stranger.clone()]),
        event("MODIFIED", &stranger),
        event("ADDED", &object("2", "first")),
        event("DELETED", &stranger),
        event("MODIFIED", &object("3", "second")),
    ];
    assert_eq!(states(answers, 3).await, ["flags", "first", "second"]);
}

#[tokio::test(start_paused = true)]
async fn asks_for_the_one_object_only() {
    let (client, asked) = client(vec![list(&[object("1", "first")])]);
    let (source, mut receiver) = IssuerSource::new(None, Some(name()), || 0.5);
    let shutdown = CancellationToken::new();
    let stop = async {
        receiver.changed().await.unwrap();
        shutdown.cancel();
    };
    tokio::join!(source.run(client, |_| {}, shutdown.clone()), stop);
    let asked = asked.lock().unwrap();
    for uri in asked.iter() {
        assert!(
            uri.contains("/api/v1/namespaces/cert-manager/configmaps?"),
            "{uri}"
        );
        assert!(
            uri.contains("fieldSelector=metadata.name%3Dissuance"),
            "{uri}"
        );
    }
}

#[tokio::test]
async fn without_a_config_map_the_flags_decide() {
    let (_source, receiver) = IssuerSource::new(flags(), None, || 0.5);
    assert!(
        matches!(&receiver.borrow().current, IssuerState::Known(issuer) if issuer.name == "flags")
    );
    let (source, receiver) = IssuerSource::new(None, None, || 0.5);
    assert!(matches!(receiver.borrow().current, IssuerState::Missing(_)));
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    source.run(client(vec![]).0, |_| {}, shutdown).await;
}
