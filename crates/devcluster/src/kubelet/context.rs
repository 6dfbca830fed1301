//! What the parts of a kubelet have in common.

use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};

use super::options::KubeletOptions;
use super::registration::Drivers;
use super::socket::CallError;
use super::status::Board;
use super::token_cache::TokenCache;
use crate::clock::{self, Clock};
use crate::cluster::Objects;
use crate::resource::CORE_EVENTS;
use crate::store::{Store, meta};

/// What every part of a kubelet sees.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) options: Arc<KubeletOptions>,
    pub(super) node: String,
    pub(super) store: Arc<Store>,
    pub(super) objects: Objects,
    pub(super) drivers: Drivers,
    pub(super) tokens: Arc<TokenCache>,
    pub(super) board: Board,
    pub(super) clock: Clock,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Context({})", self.node)
    }
}

impl Context {
    pub(super) fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    /// The Warning that `kubectl describe pod` shows.
    pub(super) fn report_failure(&self, pod: &Value, error: &CallError) {
        let now = clock::seconds(self.clock.now());
        let event = json!({
            "metadata": {"generateName": format!("{}.", meta::name(pod))},
            "involvedObject": {
                "apiVersion": "v1",
                "kind": "Pod",
                "namespace": meta::namespace(pod),
                "name": meta::name(pod),
                "uid": meta::uid(pod),
            },
            "type": "Warning",
            "reason": "FailedMount",
            "message": error.to_string(),
            "source": {"component": "kubelet", "host": self.node},
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
        });
        if let Err(refused) = self
            .objects
            .create(&CORE_EVENTS, meta::namespace(pod), event)
        {
            tracing::debug!(%refused, "event was not taken");
        }
    }
}
