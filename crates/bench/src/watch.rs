//! When each request reached a condition, as one watch of the namespace sees it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures::stream::StreamExt as _;
use kube::api::{Api, DynamicObject, WatchEvent, WatchParams};
use serde_json::Value;
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// What a request is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    /// It is approved.
    Approved,
    /// It is signed.
    Signed,
}

impl Stage {
    fn reached(self, request: &DynamicObject) -> bool {
        match self {
            Self::Approved => {
                let conditions = request.data.pointer("/status/conditions");
                let conditions = conditions.and_then(Value::as_array);
                let mut conditions = conditions.into_iter().flatten();
                conditions.any(|condition| condition["type"] == "Approved")
            }
            Self::Signed => request.data.pointer("/status/certificate").is_some(),
        }
    }
}

type Waiting = Arc<Mutex<HashMap<String, oneshot::Sender<Instant>>>>;

/// The one watch.
pub(crate) struct Watch {
    waiting: Waiting,
    task: JoinHandle<()>,
}

impl Watch {
    /// Opens it; what is created afterwards is seen.
    pub(crate) async fn open(requests: &Api<DynamicObject>, stage: Stage) -> Result<Self> {
        let list = requests
            .list(&kube::api::ListParams::default().limit(1))
            .await?;
        let version = list.metadata.resource_version.unwrap_or_default();
        let parameters = WatchParams::default().timeout(290);
        let events = requests.watch(&parameters, &version).await?;
        let waiting = Waiting::default();
        let seen = Arc::clone(&waiting);
        let task = tokio::spawn(async move {
            let mut events = std::pin::pin!(events);
            while let Some(Ok(event)) = events.next().await {
                let (WatchEvent::Added(object) | WatchEvent::Modified(object)) = event else {
                    continue;
                };
                let name = object.metadata.name.clone().unwrap_or_default();
                if stage.reached(&object)
                    && let Some(sender) = seen.lock().await.remove(&name)
                {
                    // It fails where nobody waits any more.
                    let _failed = sender.send(Instant::now()).is_err();
                }
            }
        });
        Ok(Self { waiting, task })
    }

    /// Announces a request before it is created.
    pub(crate) async fn expect(&self, name: &str) -> Expected {
        let (sender, receiver) = oneshot::channel();
        self.waiting.lock().await.insert(name.to_owned(), sender);
        Expected(receiver)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A request that has not been seen yet.
pub(crate) struct Expected(oneshot::Receiver<Instant>);

impl Expected {
    /// When it was seen.
    pub(crate) async fn seen(self) -> Result<Instant> {
        let seen = timeout(LIMIT, self.0).await;
        Ok(seen.context("a request was not seen in time")??)
    }
}

const LIMIT: Duration = Duration::from_secs(120);
