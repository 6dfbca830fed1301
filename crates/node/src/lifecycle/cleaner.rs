//! Deleting the requests of volumes that are gone.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::time::{Duration, Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use svid_client::ApiError;

use super::context::Context;
use crate::issuance::Calls;
use crate::metrics::ApiCall;
use crate::volume::Record;
use svid_client::retry::Backoff;

/// Deletes requests in the background, as soon as the API server accepts it. What is left when the
/// process ends is garbage that Kubernetes collects: every request is owned by its pod.
#[derive(Clone)]
pub(super) struct Cleaner {
    context: Arc<Context>,
    tasks: TaskTracker,
    places: Arc<Semaphore>,
    shutdown: CancellationToken,
}

impl Cleaner {
    pub(super) fn new(
        context: Arc<Context>,
        tasks: TaskTracker,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            context,
            tasks,
            places: Arc::new(Semaphore::new(AT_ONCE)),
            shutdown,
        }
    }

    /// Deletes every request that the record of a volume names. One whose create may still be
    /// carried out, as that of a volume that is removed during it, is looked for twice.
    pub(super) fn sweep(&self, record: &Record) {
        for name in record.requests() {
            let (cleaner, name) = (self.clone(), name.clone());
            let is_doubtful = record.is_doubtful(&name) || record.in_flight() == Some(&name);
            let namespace = record.spec().service_account.namespace().to_owned();
            self.tasks.spawn(async move {
                let shutdown = cleaner.shutdown.clone();
                let sweeping = async {
                    let ended = cleaner.persist(&namespace, &name).await;
                    if is_doubtful && ended == Some(Deletion::Absent) {
                        sleep(LANDED).await;
                        cleaner.persist(&namespace, &name).await;
                    }
                };
                shutdown.run_until_cancelled(sweeping).await;
            });
        }
    }

    /// Deletes a request; None if that was given up.
    async fn persist(&self, namespace: &str, name: &str) -> Option<Deletion> {
        let end = Instant::now() + PATIENCE;
        let mut backoff = Backoff::default();
        while Instant::now() < end {
            let deletion = {
                let _place = self.places.acquire().await.ok()?;
                delete(&self.context, namespace, name).await
            };
            let error = match deletion {
                Ok(deletion) => return Some(deletion),
                Err(error) => error,
            };
            let pause = backoff.next(error.retry_after(), (self.context.chance)());
            tokio::select! {
                () = sleep(pause) => {}
                () = self.context.health.back(Calls::Deletes, pause, (self.context.chance)()) => {}
            }
        }
        tracing::warn!(
            namespace,
            request = name,
            "gave up deleting the CertificateRequest"
        );
        None
    }
}

/// How a deletion ended that need not be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deletion {
    /// The request is deleted, or left to its pod.
    Done,
    /// There is no such request, yet or any more.
    Absent,
}

/// Tries once to delete a request; after an error it may work later. A refused delete is a warning,
/// since the pod owns the request and Kubernetes deletes it with the pod.
pub(super) async fn delete(
    context: &Context,
    namespace: &str,
    name: &str,
) -> Result<Deletion, ApiError> {
    let error = match context.requests.delete(namespace, name).await {
        Ok(()) => return Ok(Deletion::Done),
        Err(ApiError::NotFound) => return Ok(Deletion::Absent),
        Err(error) => error,
    };
    context.metrics.api_error(ApiCall::Delete, &error);
    if let ApiError::Forbidden(_) | ApiError::Refused { .. } = error {
        tracing::warn!(namespace, request = name, %error, "could not delete the CertificateRequest");
        return Ok(Deletion::Done);
    }
    Err(error)
}

/// More would compete with creates after an outage.
const AT_ONCE: usize = 8;
/// By then a create that was given up was carried out or will not be: the API server gives a create
/// 34 s, and an admission webhook 30 s at most.
pub(super) const LANDED: Duration = Duration::from_secs(60);
/// An hour: an outage that lasts longer leaves the rest to the garbage collector.
const PATIENCE: Duration = Duration::from_secs(3600);
