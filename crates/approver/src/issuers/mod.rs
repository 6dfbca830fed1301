//! Which issuer is ours: the flags', or the one that a `ConfigMap` names at run time.
//!
//! Owns the watch of that `ConfigMap`. Invariants: nobody learns of an issuer before the
//! `ConfigMap` was read once, be it found, broken or absent; a broken one changes nothing; an
//! issuer that was ours once is remembered, since its certificates are still taken for SVIDs.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::core::DeserializeGuard;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, ResourceExt};
use svid_api::issuance::RuntimeIssuer;
use svid_core::policy::IssuerReference;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::configuration::ConfigMapName;
use crate::metrics::{Metrics, Watch};

#[cfg(test)]
mod tests;

/// What is known of the SPIFFE issuers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issuers {
    /// The one that is ours now; none where neither flags nor `ConfigMap` name one.
    pub(crate) current: Option<IssuerReference>,
    /// Every one that was ours since the start, the current one included.
    pub(crate) ever: Arc<[IssuerReference]>,
}

/// Where the issuers are learned from; None until they are known.
pub(crate) type IssuersReceiver = watch::Receiver<Option<Issuers>>;

/// Keeps the issuers up to date.
#[derive(Debug)]
pub(crate) struct IssuerWatch {
    state: State,
    source: Option<ConfigMapName>,
    sender: watch::Sender<Option<Issuers>>,
}

impl IssuerWatch {
    /// Takes the issuer of the flags and where another may be named. Without the latter the
    /// issuers are known at once.
    pub(crate) fn new(
        flags: Option<IssuerReference>,
        source: Option<ConfigMapName>,
    ) -> (Self, IssuersReceiver) {
        let state = State::new(flags);
        let known = source.is_none().then(|| state.issuers());
        let (sender, receiver) = watch::channel(known);
        (
            Self {
                state,
                source,
                sender,
            },
            receiver,
        )
    }

    /// Watches until told to stop; failures are retried with backoff.
    pub(crate) async fn run(mut self, client: Client, metrics: Metrics, stop: CancellationToken) {
        let Some(source) = self.source.clone() else {
            stop.cancelled().await;
            return;
        };
        let api: Api<DeserializeGuard<ConfigMap>> = Api::namespaced(client, &source.namespace);
        let config = watcher::Config::default().fields(&format!("metadata.name={}", source.name));
        let mut events = std::pin::pin!(watcher(api, config).default_backoff());
        let mut seen = Seen::default();
        loop {
            let event = tokio::select! {
                () = stop.cancelled() => return,
                event = events.next() => event,
            };
            match event {
                Some(Ok(event)) => self.take(event, &source, &mut seen),
                Some(Err(error)) => {
                    metrics.watch_failed(Watch::Issuer);
                    tracing::warn!(
                        namespace = source.namespace,
                        config_map = source.name,
                        %error,
                        "watching the issuer's ConfigMap failed, trying again"
                    );
                }
                // The watcher never ends by itself; if it did, waiting is all there is to do.
                None => {
                    stop.cancelled().await;
                    return;
                }
            }
        }
    }

    fn take(
        &mut self,
        event: Event<DeserializeGuard<ConfigMap>>,
        source: &ConfigMapName,
        seen: &mut Seen,
    ) {
        match event {
            Event::Init => seen.0 = false,
            // A fake or a proxy may ignore the field selector.
            Event::InitApply(map) | Event::Apply(map) | Event::Delete(map)
                if map.name_any() != source.name => {}
            Event::InitApply(map) => {
                seen.0 = true;
                self.state.apply(&map, source);
            }
            Event::InitDone => {
                if !seen.0 {
                    self.state.delete(source);
                }
                self.publish();
            }
            Event::Apply(map) => {
                self.state.apply(&map, source);
                self.publish();
            }
            Event::Delete(_) => {
                self.state.delete(source);
                self.publish();
            }
        }
    }

    fn publish(&self) {
        let known = Some(self.state.issuers());
        self.sender.send_if_modified(|current| {
            let changed = *current != known;
            if changed {
                *current = known;
            }
            changed
        });
    }
}

/// Whether the list that is being read held the `ConfigMap`.
#[derive(Debug, Default)]
struct Seen(bool);

/// Flags, `ConfigMap` and history. Pure.
#[derive(Debug)]
struct State {
    flags: Option<IssuerReference>,
    named: Option<IssuerReference>,
    ever: Vec<IssuerReference>,
}

impl State {
    fn new(flags: Option<IssuerReference>) -> Self {
        Self {
            ever: flags.iter().cloned().collect(),
            flags,
            named: None,
        }
    }

    fn issuers(&self) -> Issuers {
        Issuers {
            current: self.named.clone().or_else(|| self.flags.clone()),
            ever: self.ever.as_slice().into(),
        }
    }

    fn apply(&mut self, map: &DeserializeGuard<ConfigMap>, source: &ConfigMapName) {
        let ConfigMapName { namespace, name } = source;
        let empty = BTreeMap::new();
        let found = match &map.0 {
            Ok(map) => RuntimeIssuer::from_config_map_data(map.data.as_ref().unwrap_or(&empty))
                .map_err(|error| error.to_string()),
            Err(invalid) => Err(invalid.error.clone()),
        };
        match found {
            Ok(issuer) => {
                let issuer = IssuerReference::new(&issuer.name, &issuer.kind, &issuer.group);
                if self.named.as_ref() != Some(&issuer) {
                    tracing::info!(namespace, config_map = name, %issuer, "the ConfigMap names our issuer");
                }
                if !self.ever.contains(&issuer) {
                    self.ever.push(issuer.clone());
                }
                self.named = Some(issuer);
            }
            Err(error) => {
                tracing::warn!(
                    namespace,
                    config_map = name,
                    error,
                    "the issuer's ConfigMap is ignored until it names an issuer"
                );
            }
        }
    }

    fn delete(&mut self, source: &ConfigMapName) {
        let ConfigMapName { namespace, name } = source;
        if self.named.take().is_some() {
            tracing::info!(
                namespace,
                config_map = name,
                "the issuer's ConfigMap is gone, back to the flags"
            );
        }
    }
}
