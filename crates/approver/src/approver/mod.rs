//! Starts the components and stops them in order.

use prometheus_client::registry::Registry;
use svid_client::ApiClient;
use svid_client::issuer::IssuerSource;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::Environment;
use crate::configuration::Configuration;
use crate::controller::{Controller, Worker};
use crate::kinds::Kinds;
use crate::lease::{Election, Timing};
use crate::metrics::{Metrics, WatchedResource};
use crate::readiness::Readiness;

/// The approver, ready to run.
pub struct Approver {
    client: ApiClient,
    controller: Controller,
    election: Election,
    issuers: IssuerSource,
    metrics: Metrics,
    readiness: Readiness,
}

/// Why the approver ended without being asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApproverError {
    /// A part ended by itself: a defect.
    #[error("running the approver: the {0} ended by itself; restart it and report this")]
    Ended(&'static str),
    /// A part panicked: a defect.
    #[error("running the approver: a part of it panicked: {0}")]
    Panicked(String),
}

/// The parts that run, each in a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Controller,
    Election,
    Issuers,
}

impl Part {
    fn noun(self) -> &'static str {
        match self {
            Self::Controller => "controller",
            Self::Election => "leader election",
            Self::Issuers => "watch of the issuer",
        }
    }
}

impl Approver {
    /// Makes an approver and registers its metrics.
    ///
    /// `identity` identifies this process among the replicas in the lease. It must be unique to the
    /// process, so that a restarted one does not take its predecessor's lease for its own while the
    /// predecessor may still be running.
    ///
    /// The lease has its own client, so that dead or busy connections cannot cost it.
    pub fn new(
        configuration: Configuration,
        identity: String,
        client: ApiClient,
        lease: ApiClient,
        environment: Environment,
        registry: &mut Registry,
    ) -> Self {
        let Environment { now, chance } = environment;
        let Configuration {
            driver_name,
            trust_domain,
            certificate_duration,
            issuer,
            runtime_issuance,
            attestation,
            extra_annotations,
            ordinary_requests,
            leader_election_namespace,
        } = configuration;
        let metrics = Metrics::register(registry);
        let readiness = Readiness::default();
        let (issuers, known_issuers) = IssuerSource::new(issuer, runtime_issuance, chance);
        let (election, leadership) = Election::new(
            lease,
            &leader_election_namespace,
            driver_name.to_string(),
            identity,
            Timing::DEFAULT,
            environment,
            metrics.clone(),
        );
        let worker = Worker {
            client: client.clone(),
            trust_domain,
            duration: certificate_duration,
            attestation,
            extra_annotations,
            ordinary: ordinary_requests,
            issuers: known_issuers,
            kinds: Kinds::default(),
            now,
            metrics: metrics.clone(),
        };
        let controller = Controller::new(worker, leadership, readiness.clone(), chance);
        Self {
            client,
            controller,
            election,
            issuers,
            metrics,
            readiness,
        }
    }

    /// A handle that says whether the watches have synced.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.readiness.clone()
    }

    /// Runs until shutdown is requested.
    ///
    /// Then no new decision is started, those in progress finish, and only then the lease is
    /// released, so that the next leader finds nothing half done. Takes a few seconds at most.
    ///
    /// # Errors
    /// Only for bugs in the approver: problems with the API server are retried.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), ApproverError> {
        let Self {
            client,
            controller,
            election,
            issuers,
            metrics,
            readiness: _,
        } = self;
        let deciding = shutdown.child_token();
        let standing = CancellationToken::new();
        let mut parts = JoinSet::new();
        parts.spawn(part(Part::Controller, controller.run(deciding.clone())));
        parts.spawn(part(Part::Election, election.run(standing.clone())));
        let failed = move |_error: &_| metrics.watch_failed(WatchedResource::Issuer);
        parts.spawn(part(
            Part::Issuers,
            issuers.run(client, failed, standing.clone()),
        ));
        let mut outcome = Ok(());
        while let Some(ended) = parts.join_next().await {
            let told = deciding.is_cancelled();
            let lost = match ended {
                Ok(part) => {
                    if !told {
                        outcome = Err(ApproverError::Ended(part.noun()));
                    }
                    part
                }
                Err(panic) => {
                    outcome = Err(ApproverError::Panicked(panic.to_string()));
                    Part::Controller
                }
            };
            deciding.cancel();
            if lost == Part::Controller {
                standing.cancel();
            }
        }
        outcome
    }
}

/// Runs a part and says which one ended.
async fn part(part: Part, work: impl Future<Output = ()> + Send) -> Part {
    work.await;
    part
}

#[cfg(test)]
mod tests;
