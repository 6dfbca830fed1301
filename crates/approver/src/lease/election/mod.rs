//! Acquires, renews and releases the lease.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use svid_client::trouble::{Said, Trouble};
use svid_client::{ApiClient, ApiError};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use super::Timing;
use super::object::LeaseObject;
use super::record::{self, LeaseState, Observation};
use super::term::{Leadership, LeadershipReceiver, Term};
use crate::Environment;
use crate::metrics::Metrics;

/// A candidate for one lease.
pub(crate) struct Election {
    lease: LeaseObject,
    identity: String,
    timing: Timing,
    /// The time is only ever written into the lease, never compared.
    environment: Environment,
    metrics: Metrics,
    leadership: watch::Sender<Leadership>,
}

/// The result of a renewal that did not fail.
#[derive(Debug)]
enum Renewal {
    /// The lease has been extended.
    Renewed(Box<Lease>),
    /// Somebody else holds it.
    Lost,
}

impl Election {
    /// A candidate for the lease `name`. `identity` is unique to this process.
    pub(crate) fn new(
        client: ApiClient,
        namespace: &str,
        name: String,
        identity: String,
        timing: Timing,
        environment: Environment,
        metrics: Metrics,
    ) -> (Self, LeadershipReceiver) {
        let (leadership, receiver) = watch::channel(Leadership::Standby);
        (
            Self {
                lease: LeaseObject::new(client, namespace, name),
                identity,
                timing,
                environment,
                metrics,
                leadership,
            },
            receiver,
        )
    }

    /// Competes for the lease until asked to step down, and then releases it if it is held.
    ///
    /// Errors are logged and retried: without the API server there is nothing to decide anyway.
    pub(crate) async fn run(self, step_down: CancellationToken) {
        while let Some((lease, since)) = self.acquire(&step_down).await {
            if let Some(lease) = self.lead(lease, since, &step_down).await {
                self.release(lease).await;
                return;
            }
        }
    }

    /// Waits until the lease is acquired; None if asked to step down first. The instant is from
    /// before the lease was written, so a term counted from it ends early rather than late.
    async fn acquire(&self, step_down: &CancellationToken) -> Option<(Lease, Instant)> {
        let mut observation = Observation::default();
        let mut trouble = Trouble::default();
        loop {
            let asked = Instant::now();
            // Writing is not cancelled: if it succeeds, the lease has to be released again.
            let stood = self.stand(&mut observation, step_down).await;
            if let Ok(AcquireResult::Acquired(_) | AcquireResult::Held { .. }) = stood {
                self.answered(&mut trouble);
            }
            let wait = match stood {
                Ok(AcquireResult::Acquired(lease)) => return Some((*lease, asked)),
                Ok(AcquireResult::Held { until }) => {
                    let left = until.saturating_duration_since(Instant::now());
                    self.pause().min(left)
                }
                Ok(AcquireResult::SteppedDown) => return None,
                Err(ApiError::Conflict(_)) => self.pause(),
                Err(error) => {
                    self.failed(&mut trouble, &error, "acquiring the lease failed");
                    self.pause()
                }
            };
            tokio::select! {
                () = step_down.cancelled() => return None,
                () = sleep(wait) => {}
            }
        }
    }

    /// Looks at the lease once and takes it if it is free.
    async fn stand(
        &self,
        observation: &mut Observation,
        step_down: &CancellationToken,
    ) -> Result<AcquireResult, ApiError> {
        let found = tokio::select! {
            () = step_down.cancelled() => return Ok(AcquireResult::SteppedDown),
            found = self.lease.read() => found?,
        };
        let Some(found) = found else {
            return self.create(None).await.map(AcquireResult::Acquired);
        };
        match observation.note(&found, &self.identity, self.timing.duration, Instant::now()) {
            LeaseState::Held { until } => Ok(AcquireResult::Held { until }),
            LeaseState::Free | LeaseState::Ours => Ok(AcquireResult::Acquired(Box::new(
                self.write_acquired(found).await?,
            ))),
        }
    }

    /// Leads until the lease is lost (None) or until asked to step down (the lease).
    async fn lead(
        &self,
        mut lease: Lease,
        since: Instant,
        step_down: &CancellationToken,
    ) -> Option<Lease> {
        let term = Term::new(since + self.timing.renew_within);
        let mut trouble = Trouble::default();
        tracing::info!(
            lease = self.lease.name(),
            identity = self.identity,
            "became the leader"
        );
        self.metrics.leader.set(1);
        self.leadership
            .send_replace(Leadership::Leading(term.clone()));
        let held = loop {
            let wait = self
                .pause()
                .min(term.until().saturating_duration_since(Instant::now()));
            tokio::select! {
                () = step_down.cancelled() => break Some(lease),
                () = sleep(wait) => {}
            }
            let asked = Instant::now();
            if asked >= term.until() {
                tracing::warn!(
                    lease = self.lease.name(),
                    "the lease could not be renewed in time"
                );
                break None;
            }
            // A renewal that is cancelled mid-flight may still land: either before the release,
            // which then sees a conflict, or after it, and then it is rejected.
            let renewal = tokio::select! {
                () = step_down.cancelled() => break Some(lease),
                renewal = timeout_at(term.until(), self.renew(&lease)) => renewal,
            };
            match renewal {
                Ok(Ok(Renewal::Renewed(renewed))) => {
                    self.answered(&mut trouble);
                    lease = *renewed;
                    term.extend(asked + self.timing.renew_within);
                }
                Ok(Ok(Renewal::Lost)) => {
                    tracing::warn!(
                        lease = self.lease.name(),
                        "the lease was taken by another replica"
                    );
                    break None;
                }
                Ok(Err(error)) => self.failed(&mut trouble, &error, "renewing the lease failed"),
                Err(_elapsed) => {}
            }
        };
        term.end();
        self.leadership.send_replace(Leadership::Standby);
        self.metrics.leader.set(0);
        held
    }

    /// Writes a new time of renewal; if the lease has changed or is gone, looks at it first. One
    /// that is gone is created again, ours.
    async fn renew(&self, lease: &Lease) -> Result<Renewal, ApiError> {
        match self.write_acquired(lease.clone()).await {
            Ok(lease) => return Ok(Renewal::Renewed(Box::new(lease))),
            Err(ApiError::Conflict(_) | ApiError::NotFound) => {}
            Err(error) => return Err(error),
        }
        match self.lease.read().await? {
            Some(found) if record::is_held_by(&found, &self.identity) => Ok(Renewal::Renewed(
                Box::new(self.write_acquired(found).await?),
            )),
            Some(_) => Ok(Renewal::Lost),
            None => self.recreate(lease).await,
        }
    }

    /// Creates the lease that somebody deleted, unless another replica is faster.
    async fn recreate(&self, lease: &Lease) -> Result<Renewal, ApiError> {
        tracing::warn!(
            lease = self.lease.name(),
            "the lease was deleted, creating it again"
        );
        match self.create(lease.spec.clone()).await {
            Ok(lease) => Ok(Renewal::Renewed(lease)),
            Err(ApiError::Conflict(_)) => Ok(Renewal::Lost),
            Err(error) => Err(error),
        }
    }

    /// Creates the lease, held by us; `spec` is what an earlier one said.
    async fn create(&self, spec: Option<LeaseSpec>) -> Result<Box<Lease>, ApiError> {
        let lease = self.acquired(record::named(self.lease.name(), spec));
        self.lease.create(&lease).await.map(Box::new)
    }

    async fn write_acquired(&self, lease: Lease) -> Result<Lease, ApiError> {
        self.lease.replace(&self.acquired(lease)).await
    }

    fn acquired(&self, lease: Lease) -> Lease {
        record::acquired(
            lease,
            &self.identity,
            self.timing.duration,
            (self.environment.now)(),
        )
    }

    /// Releases the lease. If that fails, others wait until it expires: a pause, but no harm.
    async fn release(&self, lease: Lease) {
        let lease = record::released(lease, (self.environment.now)());
        let written = self.lease.replace(&lease).await;
        match written {
            Ok(_lease) => tracing::info!(lease = self.lease.name(), "released the lease"),
            // A renewal whose answer was lost; or it was taken or deleted, and then there is
            // nothing to give.
            Err(ApiError::Conflict(_) | ApiError::NotFound) => self.release_anew().await,
            Err(error) => {
                tracing::warn!(lease = self.lease.name(), %error, "releasing the lease failed");
            }
        }
    }

    async fn release_anew(&self) {
        let released = async {
            match self.lease.read().await? {
                Some(found) if record::is_held_by(&found, &self.identity) => {
                    let lease = record::released(found, (self.environment.now)());
                    self.lease.replace(&lease).await?;
                    Ok(())
                }
                Some(_) | None => Ok(()),
            }
        };
        if let Err::<(), ApiError>(error) = released.await {
            tracing::warn!(lease = self.lease.name(), %error, "releasing the lease failed");
        }
    }

    /// Says that a call failed: each cause once, then at intervals.
    fn failed(&self, trouble: &mut Trouble, error: &ApiError, what: &'static str) {
        let lease = self.lease.name();
        match trouble.fails(&error.to_string(), Instant::now()) {
            Some(Said {
                failures,
                for_seconds,
            }) => tracing::warn!(lease, %error, failures, for_seconds, "{what}"),
            None => tracing::debug!(lease, %error, "{what}"),
        }
    }

    fn answered(&self, trouble: &mut Trouble) {
        if let Some(Said {
            failures,
            for_seconds,
        }) = trouble.ends(Instant::now())
        {
            let lease = self.lease.name();
            tracing::info!(
                lease,
                failures,
                for_seconds,
                "the lease can be read and written again"
            );
        }
    }

    /// The retry interval, a fifth more or less: replicas that started together drift apart.
    fn pause(&self) -> Duration {
        self.timing
            .retry
            .mul_f64(0.8 + 0.4 * (self.environment.chance)())
    }
}

/// The result of one attempt to acquire the lease.
#[derive(Debug)]
enum AcquireResult {
    /// It is ours.
    Acquired(Box<Lease>),
    /// Another replica holds it, at least until then.
    Held { until: Instant },
    /// We were asked to stop.
    SteppedDown,
}

#[cfg(test)]
mod tests;
