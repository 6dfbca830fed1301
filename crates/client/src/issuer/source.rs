//! Watching the `ConfigMap`.
//!
//! One watch of one object by name, with the role's own rights: list and watch on that `ConfigMap`.
//! Failures are retried for as long as the process lives.

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Resource as _;
use svid_core::policy::IssuerReference;
use svid_core::text::one_line;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::choice::{Choice, StoredConfigMap};
use super::{ConfigMapName, IssuerState, Issuers, IssuersReceiver};
use crate::trouble::{Said, Trouble};
use crate::watch::watch_object;
use crate::{ApiClient, ApiError};

/// Finds out which issuer is in effect. Does nothing until [`IssuerSource::run`] is polled.
#[must_use = "the ConfigMap is read by `run`"]
#[derive(Debug)]
pub struct IssuerSource {
    watched: Option<ConfigMapName>,
    flags: Option<IssuerReference>,
    chance: fn() -> f64,
    issuers: watch::Sender<Issuers>,
}

impl IssuerSource {
    /// A source that takes the issuer from the flags or, if a `ConfigMap` is named, from there.
    pub fn new(
        flags: Option<IssuerReference>,
        config_map: Option<ConfigMapName>,
        chance: fn() -> f64,
    ) -> (Self, IssuersReceiver) {
        let current = match (&config_map, &flags) {
            (Some(name), _) => {
                IssuerState::NotYetRead(format!("the ConfigMap {name} has not been read yet"))
            }
            (None, Some(issuer)) => IssuerState::Known(issuer.clone().into()),
            (None, None) => {
                IssuerState::Missing("no issuer is configured: give --issuer-name".to_owned())
            }
        };
        let ever = flags.iter().cloned().collect();
        let (issuers, receiver) = watch::channel(Issuers { current, ever });
        (
            Self {
                watched: config_map,
                flags,
                chance,
                issuers,
            },
            receiver,
        )
    }

    /// Follows the `ConfigMap` until `shutdown`. `failed` is called with each failure.
    pub async fn run(
        self,
        client: ApiClient,
        failed: impl Fn(&ApiError) + Send + Sync,
        shutdown: CancellationToken,
    ) {
        let Self {
            watched,
            flags,
            chance,
            issuers,
        } = self;
        let Some(name) = watched else {
            shutdown.cancelled().await;
            return;
        };
        shutdown
            .run_until_cancelled(follow(&name, client, flags, chance, &issuers, failed))
            .await;
    }
}

async fn follow(
    name: &ConfigMapName,
    client: ApiClient,
    flags: Option<IssuerReference>,
    chance: fn() -> f64,
    issuers: &watch::Sender<Issuers>,
    failed: impl Fn(&ApiError),
) {
    let mut choice = Choice::new(name.clone(), flags);
    let path = ConfigMap::url_path(&(), Some(&name.namespace));
    let observations = watch_object::<StoredConfigMap>(client, path, &name.name, chance);
    let mut observations = std::pin::pin!(observations);
    let mut trouble = Trouble::default();
    while let Some(observation) = observations.next().await {
        match observation {
            Ok(found) => {
                if let Some(Said {
                    failures,
                    for_seconds,
                }) = trouble.ends(Instant::now())
                {
                    tracing::info!(config_map = %name, failures, for_seconds, "the ConfigMap can be read again");
                }
                publish(
                    issuers,
                    name,
                    choice.observe(found.as_ref().map(Option::as_ref)),
                );
            }
            Err(error) => {
                failed(&error);
                let reason = explain(name, &error);
                match trouble.fails(&reason, Instant::now()) {
                    Some(Said {
                        failures,
                        for_seconds,
                    }) => tracing::warn!(failures, for_seconds, "{reason}"),
                    None => tracing::debug!("{reason}"),
                }
                issuers.send_if_modified(|issuers| {
                    let waiting =
                        matches!(&issuers.current, IssuerState::NotYetRead(old) if *old != reason);
                    if waiting {
                        issuers.current = IssuerState::NotYetRead(reason);
                    }
                    waiting
                });
            }
        }
    }
}

fn publish(issuers: &watch::Sender<Issuers>, name: &ConfigMapName, new: Issuers) {
    issuers.send_if_modified(|issuers| {
        if *issuers == new {
            return false;
        }
        match &new.current {
            IssuerState::Known(issuer) => {
                tracing::info!(%issuer, config_map = %name, "using this SPIFFE issuer");
            }
            IssuerState::Missing(what) | IssuerState::NotYetRead(what) => {
                tracing::warn!(config_map = %name, "{what}");
            }
        }
        *issuers = new;
        true
    });
}

fn explain(name: &ConfigMapName, error: &ApiError) -> String {
    let advice = if let ApiError::Unauthorized(_) | ApiError::Forbidden(_) = error {
        " (the service account needs get, list and watch on it)"
    } else {
        ""
    };
    // The text becomes part of an Event of at most 1 KiB.
    let reason = one_line(&error.to_string(), REASON_LIMIT);
    format!("reading the ConfigMap {name} failed: {reason}{advice}")
}

/// Bytes.
const REASON_LIMIT: usize = 400;
