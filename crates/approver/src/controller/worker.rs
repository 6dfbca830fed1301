//! One decision: policy, then PATCH, and again from a fresh read where the object has changed.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use svid_core::identity::TrustDomain;
use svid_core::policy::{
    Decision, IssuerReference, OrdinaryDecision, Policy, evaluate, evaluate_ordinary,
};
use tokio::time::Instant;

use super::candidate::{Candidate, Sighting, Wish};
use crate::Clock;
use crate::call::CallError;
use crate::configuration::OrdinaryRequests;
use crate::issuers::IssuersReceiver;
use crate::lease::Term;
use crate::metrics::{Metrics, Outcome, Stage};
use crate::status::{self, Verdict};

/// What every decision needs.
#[derive(Clone)]
pub(crate) struct Worker {
    /// Reads and writes requests.
    pub(crate) client: Client,
    /// The enforced trust domain.
    pub(crate) trust_domain: TrustDomain,
    /// The enforced lifetime.
    pub(crate) duration: Duration,
    /// What to do with requests that have nothing to do with SPIFFE.
    pub(crate) ordinary: OrdinaryRequests,
    /// Which issuer is ours at the moment of the decision.
    pub(crate) issuers: IssuersReceiver,
    /// The time that is written into conditions.
    pub(crate) clock: Clock,
    /// Where decisions are counted.
    pub(crate) metrics: Metrics,
}

/// How an attempt to decide ended.
#[derive(Debug)]
pub(crate) enum Attempt {
    /// The decision was written; the object has this version now.
    Written {
        /// `metadata.resourceVersion`.
        resource_version: String,
    },
    /// It names another issuer, or the issuers are not known.
    LeftAlone,
    /// It is gone, or somebody else decided.
    Settled,
    /// It failed.
    Failed(CallError),
    /// The term ended.
    Interrupted,
}

impl Worker {
    /// Decides on one request, unless the term ends first.
    ///
    /// A call that is under way when the term ends is given up; whether it still takes effect is
    /// as open as with any call whose answer is lost, and harmless for the same reason: it is
    /// bound to the version that was judged.
    pub(crate) async fn decide(self, candidate: Arc<Candidate>, term: Term) -> Attempt {
        tokio::select! {
            biased;
            () = term.ended() => Attempt::Interrupted,
            attempt = self.attempt(candidate, &term) => attempt,
        }
    }

    async fn attempt(&self, mut candidate: Arc<Candidate>, term: &Term) -> Attempt {
        for _ in 0..MOST_CONFLICTS {
            let started = Instant::now();
            let Some(verdict) = self.judge(&candidate) else {
                return Attempt::LeftAlone;
            };
            self.metrics.took(Stage::Evaluate, started.elapsed());
            if !term.holds(Instant::now()) {
                return Attempt::Interrupted;
            }
            match self.write(&candidate, &verdict).await {
                Ok(resource_version) => return Attempt::Written { resource_version },
                Err(CallError::Conflict) => self.metrics.conflicts.inc(),
                Err(CallError::NotFound) => return Attempt::Settled,
                Err(error) => return Attempt::Failed(error),
            };
            match self.read_anew(&candidate).await {
                Ok(Sighting::Undecided(fresh)) => candidate = Arc::from(fresh),
                Ok(Sighting::Settled(_)) | Err(CallError::NotFound) => return Attempt::Settled,
                Err(error) => return Attempt::Failed(error),
            }
        }
        Attempt::Failed(CallError::Conflict)
    }

    /// Asks the policy. None when the request is not ours to decide, now at least.
    fn judge(&self, candidate: &Candidate) -> Option<Verdict> {
        let issuers = self.issuers.borrow().clone()?;
        match &candidate.wish {
            Wish::Identity(request) => match evaluate(&self.policy(issuers.current?), request) {
                Decision::Approve(approval) => Some(Verdict::approve(&approval)),
                Decision::Deny(denial) => Some(Verdict::deny(&denial)),
                Decision::LeaveAlone => None,
            },
            Wish::Ordinary(request) => Some(match evaluate_ordinary(&issuers.ever, request) {
                OrdinaryDecision::Approve(approval) => Verdict::approve_ordinary(&approval),
                OrdinaryDecision::Deny(denial) => Verdict::deny_ordinary(&denial),
            }),
        }
    }

    fn policy(&self, issuer: IssuerReference) -> Policy {
        Policy {
            trust_domain: self.trust_domain.clone(),
            duration: self.duration,
            issuer,
        }
    }

    async fn write(&self, candidate: &Candidate, verdict: &Verdict) -> Result<String, CallError> {
        let started = Instant::now();
        let condition = verdict.condition((self.clock)());
        let version = candidate.version();
        let written =
            status::write(&self.client, &version, &candidate.conditions, condition).await?;
        self.metrics.took(Stage::Patch, started.elapsed());
        self.metrics.decided(verdict.outcome());
        let (namespace, name) = (&version.namespace, &version.name);
        let message = verdict.message();
        match verdict.outcome() {
            Outcome::Approved | Outcome::OrdinaryApproved => {
                tracing::info!(namespace, name, message, "approved");
            }
            Outcome::Denied | Outcome::OrdinaryDenied => {
                tracing::warn!(namespace, name, message, "denied");
            }
        }
        Ok(written)
    }

    async fn read_anew(&self, candidate: &Candidate) -> Result<Sighting, CallError> {
        let key = &candidate.key;
        let object = status::read(&self.client, &key.namespace, &key.name).await?;
        Ok(Sighting::read(object, self.ordinary))
    }
}

/// After so many conflicts in a row somebody changes the object all the time; it rests like after
/// an error, so that others get their turn.
const MOST_CONFLICTS: usize = 5;
