//! Watching the ConfigMap.
//!
//! One watch of one object by name, with the driver's own rights: get, list and watch on that
//! ConfigMap. The watch is begun anew with jitter, 0.8 s doubling to 30 s, for as long as the
//! process lives.

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, watch_object};
use kube::{Api, Client};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::choice::Choice;
use super::{ConfigMapName, Issuer, IssuerState};

/// Finds out which issuer to ask. Does nothing until [`IssuerSource::run`] is polled.
#[must_use = "the ConfigMap is read by `run`"]
pub struct IssuerSource {
    watched: Option<(ConfigMapName, Client)>,
    flags: Option<Issuer>,
    state: watch::Sender<IssuerState>,
}

impl IssuerSource {
    /// A source that takes the issuer from the flags, or, where a ConfigMap is named, from there.
    /// `client` has the driver's own credentials.
    pub fn new(
        flags: Option<Issuer>,
        config_map: Option<ConfigMapName>,
        client: Client,
    ) -> (Self, watch::Receiver<IssuerState>) {
        let first = match (&config_map, &flags) {
            (Some(name), _) => {
                IssuerState::NotYetRead(format!("the ConfigMap {name} has not been read yet"))
            }
            (None, Some(issuer)) => IssuerState::Known(issuer.clone().into()),
            (None, None) => IssuerState::Missing(
                "no issuer is named: start the driver with --issuer-name".to_owned(),
            ),
        };
        let (state, receiver) = watch::channel(first);
        let watched = config_map.map(|name| (name, client));
        (
            Self {
                watched,
                flags,
                state,
            },
            receiver,
        )
    }

    /// Follows the ConfigMap until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        let Self {
            watched,
            flags,
            state,
        } = self;
        let Some((name, client)) = watched else {
            shutdown.cancelled().await;
            return;
        };
        shutdown
            .run_until_cancelled(follow(&name, client, flags, &state))
            .await;
    }
}

async fn follow(
    name: &ConfigMapName,
    client: Client,
    flags: Option<Issuer>,
    state: &watch::Sender<IssuerState>,
) {
    let mut choice = Choice::new(name.clone(), flags);
    let api: Api<ConfigMap> = Api::namespaced(client, &name.namespace);
    let mut observations = std::pin::pin!(watch_object(api, &name.name).default_backoff());
    let mut warned = Warned::No;
    while let Some(observation) = observations.next().await {
        match observation {
            Ok(found) => {
                warned = Warned::No;
                publish(state, name, choice.observe(found.as_ref()));
            }
            Err(error) => {
                let reason = explain(name, &error);
                warned.tell(&reason);
                state.send_if_modified(|state| {
                    let waiting = matches!(state, IssuerState::NotYetRead(old) if *old != reason);
                    if waiting {
                        *state = IssuerState::NotYetRead(reason);
                    }
                    waiting
                });
            }
        }
    }
}

fn publish(state: &watch::Sender<IssuerState>, name: &ConfigMapName, new: IssuerState) {
    state.send_if_modified(|state| {
        if *state == new {
            return false;
        }
        match &new {
            IssuerState::Known(issuer) => {
                tracing::info!(%issuer, config_map = %name, "certificates are asked of this issuer");
            }
            IssuerState::Missing(what) | IssuerState::NotYetRead(what) => {
                tracing::warn!(config_map = %name, "{what}");
            }
        }
        *state = new;
        true
    });
}

/// Whether the present series of errors was warned of; the rest of it is for debugging.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Warned {
    No,
    Yes,
}

impl Warned {
    fn tell(&mut self, reason: &str) {
        match self {
            Self::No => tracing::warn!("{reason}"),
            Self::Yes => tracing::debug!("{reason}"),
        }
        *self = Self::Yes;
    }
}

fn explain(name: &ConfigMapName, error: &watcher::Error) -> String {
    let reason = match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => match status.code {
            401 | 403 => format!(
                "{} (the driver's service account needs get, list and watch on it)",
                status.message
            ),
            code => format!("HTTP {code}: {}", status.message),
        },
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => error.to_string(),
        watcher::Error::NoResourceVersion => error.to_string(),
    };
    let reason: String = reason.chars().take(REASON_LIMIT).collect();
    format!("reading the ConfigMap {name} failed: {reason}")
}

/// Characters; the text becomes part of an Event of at most 1 KiB.
const REASON_LIMIT: usize = 400;

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::Mutex;
    use std::time::Duration;

    use http::{Request, Response, StatusCode};
    use kube::client::Body;
    use serde_json::{Value, json};

    use super::*;

    /// An API server that answers each request with the next of `answers`, then no more.
    fn client(answers: Vec<(StatusCode, String)>) -> (Client, Arc<Mutex<Vec<String>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let answers = Arc::new(Mutex::new(answers.into_iter()));
        let service = tower::service_fn(move |request: Request<Body>| {
            seen.lock().unwrap().push(request.uri().to_string());
            let answer = answers.lock().unwrap().next();
            async move {
                // Of paused time: lets every state be seen before the next answer.
                tokio::time::sleep(Duration::from_secs(1)).await;
                let Some((code, body)) = answer else {
                    std::future::pending().await
                };
                let body = Body::from(body.into_bytes());
                Ok::<_, Infallible>(Response::builder().status(code).body(body).unwrap())
            }
        });
        (Client::new(service, "default"), asked)
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

    fn flags() -> Option<Issuer> {
        Some(Issuer {
            name: "flags".to_owned(),
            kind: "ClusterIssuer".to_owned(),
            group: "cert-manager.io".to_owned(),
        })
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
        let (source, mut receiver) = IssuerSource::new(flags(), Some(name()), client);
        assert!(matches!(*receiver.borrow(), IssuerState::NotYetRead(_)));
        let shutdown = CancellationToken::new();
        let follow = async {
            let mut seen = Vec::new();
            while seen.len() < count {
                receiver.changed().await.unwrap();
                seen.push(match &*receiver.borrow_and_update() {
                    IssuerState::Known(issuer) => issuer.name.clone(),
                    IssuerState::Missing(text) | IssuerState::NotYetRead(text) => text.clone(),
                });
            }
            shutdown.cancel();
            seen
        };
        let both = async { tokio::join!(source.run(shutdown.clone()), follow).1 };
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
    async fn asks_for_the_one_object_only() {
        let (client, asked) = client(vec![list(&[object("1", "first")])]);
        let (source, mut receiver) = IssuerSource::new(None, Some(name()), client);
        let shutdown = CancellationToken::new();
        let stop = async {
            receiver.changed().await.unwrap();
            shutdown.cancel();
        };
        tokio::join!(source.run(shutdown.clone()), stop);
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
        let (_source, receiver) = IssuerSource::new(flags(), None, client(vec![]).0);
        assert!(
            matches!(&*receiver.borrow(), IssuerState::Known(issuer) if issuer.name == "flags")
        );
        let (source, receiver) = IssuerSource::new(None, None, client(vec![]).0);
        assert!(matches!(*receiver.borrow(), IssuerState::Missing(_)));
        let shutdown = CancellationToken::new();
        shutdown.cancel();
        source.run(shutdown).await;
    }
}
