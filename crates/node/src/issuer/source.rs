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
