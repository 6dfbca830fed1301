//! Competes for the lease, holds it, releases it.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use svid_client::clock::Surroundings;
use svid_client::trouble::{Said, Trouble};
use svid_client::{ApiClient, ApiError};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use super::Timing;
use super::object::LeaseObject;
use super::record::{self, Observation, Standing};
use super::term::{Leadership, LeadershipReceiver, Term};
use crate::metrics::Metrics;

/// Stands for one lease on behalf of this process.
pub(crate) struct Election {
    lease: LeaseObject,
    identity: String,
    timing: Timing,
    /// The time is only ever written into the lease, never compared.
    surroundings: Surroundings,
    metrics: Metrics,
    leadership: watch::Sender<Leadership>,
}

/// What a renewal came to, when it did not fail.
#[derive(Debug)]
enum Renewal {
    /// The lease is ours for another while.
    Renewed(Box<Lease>),
    /// Somebody else holds it.
    Lost,
}

impl Election {
    /// Stands for the lease `name`. `identity` is unique to this process.
    pub(crate) fn new(
        client: ApiClient,
        namespace: &str,
        name: String,
        identity: String,
        timing: Timing,
        surroundings: Surroundings,
        metrics: Metrics,
    ) -> (Self, LeadershipReceiver) {
        let (leadership, receiver) = watch::channel(Leadership::Standby);
        (
            Self {
                lease: LeaseObject::new(client, namespace, name),
                identity,
                timing,
                surroundings,
                metrics,
                leadership,
            },
            receiver,
        )
    }

    /// Competes for the lease until asked to step down, and then releases it if it is held.
    ///
    /// Errors are logged and tried again: without the API server there is nothing to decide
    /// either.
    pub(crate) async fn run(self, step_down: CancellationToken) {
        while let Some((lease, since)) = self.acquire(&step_down).await {
            if let Some(lease) = self.lead(lease, since, &step_down).await {
                self.release(lease).await;
                return;
            }
        }
    }

    /// Waits until the lease is ours; None if asked to step down first. The instant is from before
    /// the lease was written, so a term that is counted from it ends early, not late.
    async fn acquire(&self, step_down: &CancellationToken) -> Option<(Lease, Instant)> {
        let mut observation = Observation::default();
        let mut trouble = Trouble::default();
        loop {
            let asked = Instant::now();
            // Writing is not cancelled: if it succeeds the lease has to be given away again.
            let stood = self.stand(&mut observation, step_down).await;
            if let Ok(Stood::Acquired(_) | Stood::Held { .. }) = stood {
                self.answered(&mut trouble);
            }
            let wait = match stood {
                Ok(Stood::Acquired(lease)) => return Some((*lease, asked)),
                Ok(Stood::Held { until }) => {
                    let left = until.saturating_duration_since(Instant::now());
                    self.pause().min(left)
                }
                Ok(Stood::SteppedDown) => return None,
                Err(ApiError::Conflict(_)) => self.pause(),
                Err(error) => {
                    self.failed(&mut trouble, &error, "standing for the lease failed");
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
    ) -> Result<Stood, ApiError> {
        let found = tokio::select! {
            () = step_down.cancelled() => return Ok(Stood::SteppedDown),
            found = self.lease.read() => found?,
        };
        let Some(found) = found else {
            let lease = record::created(
                self.lease.name(),
                &self.identity,
                self.timing.duration,
                self.surroundings.clock.now(),
            );
            let lease = self.lease.create(&lease).await?;
            return Ok(Stood::Acquired(Box::new(lease)));
        };
        match observation.note(&found, &self.identity, self.timing.duration, Instant::now()) {
            Standing::Held { until } => Ok(Stood::Held { until }),
            Standing::Free | Standing::Ours => {
                Ok(Stood::Acquired(Box::new(self.write_acquired(found).await?)))
            }
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
            "leading"
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
            // Given up half way, a renewal either came first, which giving the lease away notices,
            // or comes too late and is refused.
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
        let lease = self.acquired(record::recreated(lease, self.lease.name()));
        match self.lease.create(&lease).await {
            Ok(lease) => Ok(Renewal::Renewed(Box::new(lease))),
            Err(ApiError::Conflict(_)) => Ok(Renewal::Lost),
            Err(error) => Err(error),
        }
    }

    async fn write_acquired(&self, lease: Lease) -> Result<Lease, ApiError> {
        self.lease.replace(&self.acquired(lease)).await
    }

    fn acquired(&self, lease: Lease) -> Lease {
        record::acquired(
            lease,
            &self.identity,
            self.timing.duration,
            self.surroundings.clock.now(),
        )
    }

    /// Gives the lease away. When that fails others wait until it is stale: no harm but a pause.
    async fn release(&self, lease: Lease) {
        let lease = record::released(lease, self.surroundings.clock.now());
        let written = self.lease.replace(&lease).await;
        match written {
            Ok(_lease) => tracing::info!(lease = self.lease.name(), "the lease was given away"),
            // A renewal whose answer was lost; or it was taken or deleted, and then there is nothing
            // to give.
            Err(ApiError::Conflict(_) | ApiError::NotFound) => self.release_anew().await,
            Err(error) => {
                tracing::warn!(lease = self.lease.name(), %error, "giving the lease away failed");
            }
        }
    }

    async fn release_anew(&self) {
        let released = async {
            match self.lease.read().await? {
                Some(found) if record::is_held_by(&found, &self.identity) => {
                    let lease = record::released(found, self.surroundings.clock.now());
                    self.lease.replace(&lease).await?;
                    Ok(())
                }
                Some(_) | None => Ok(()),
            }
        };
        if let Err::<(), ApiError>(error) = released.await {
            tracing::warn!(lease = self.lease.name(), %error, "giving the lease away failed");
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
            .mul_f64(0.8 + 0.4 * (self.surroundings.chance)())
    }
}

/// What standing for the lease once came to.
#[derive(Debug)]
enum Stood {
    /// It is ours.
    Acquired(Box<Lease>),
    /// It is another's, until then at least.
    Held { until: Instant },
    /// We were asked to stop.
    SteppedDown,
}

#[cfg(test)]
mod tests;
