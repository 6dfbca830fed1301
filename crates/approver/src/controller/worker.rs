//! One decision: policy, then PATCH, and again from a fresh read where the object has changed.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use svid_core::identity::TrustDomain;
use svid_core::policy::{
    Attestation, Decision, IssuerReference, OrdinaryDecision, PodInquiry, Policy, evaluate,
    evaluate_ordinary,
};
use thiserror::Error;
use tokio::time::Instant;

use super::candidate::{Candidate, Sighting, Wish};
use crate::Clock;
use crate::call::CallError;
use crate::configuration::OrdinaryRequests;
use crate::issuers::IssuersReceiver;
use crate::lease::Term;
use crate::metrics::{Metrics, Outcome, Stage};
use crate::pods::{self, PodError};
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
    /// Who makes the requests, and what proves whose identity it may be.
    pub(crate) attestation: Attestation,
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
    Failed(AttemptError),
    /// The term ended.
    Interrupted,
}

/// Why an attempt to decide failed; the request stays undecided until the next.
#[derive(Debug, Error)]
pub(crate) enum AttemptError {
    /// The decision could not be written, or the request not read anew.
    #[error(transparent)]
    Request(#[from] CallError),
    /// The Pod could not be read.
    #[error(transparent)]
    Pod(#[from] PodError),
}

impl AttemptError {
    /// How long the server wants to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Request(error) => error.retry_after(),
            Self::Pod(error) => error.retry_after(),
        }
    }
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
            let verdict = match self.judge(&candidate).await {
                Ok(Some(verdict)) => verdict,
                Ok(None) => return Attempt::LeftAlone,
                Err(error) => return Attempt::Failed(error.into()),
            };
            if !term.holds(Instant::now()) {
                return Attempt::Interrupted;
            }
            match self.write(&candidate, &verdict).await {
                Ok(resource_version) => return Attempt::Written { resource_version },
                Err(CallError::Conflict) => self.metrics.conflicts.inc(),
                Err(CallError::NotFound) => return Attempt::Settled,
                Err(error) => return Attempt::Failed(error.into()),
            };
            match self.read_anew(&candidate).await {
                Ok(Sighting::Undecided(fresh)) => candidate = Arc::from(fresh),
                Ok(Sighting::Settled(_)) | Err(CallError::NotFound) => return Attempt::Settled,
                Err(error) => return Attempt::Failed(error.into()),
            }
        }
        Attempt::Failed(CallError::Conflict.into())
    }

    /// Asks the policy, and a Pod where the policy wants to know of one. None when the request is
    /// not ours to decide, now at least.
    async fn judge(&self, candidate: &Candidate) -> Result<Option<Verdict>, PodError> {
        let started = Instant::now();
        let Some(issuers) = self.issuers.borrow().clone() else {
            return Ok(None);
        };
        let verdict = match &candidate.wish {
            Wish::Identity(request) => {
                let Some(issuer) = issuers.current else {
                    return Ok(None);
                };
                match evaluate(&self.policy(issuer), request) {
                    Decision::Approve(approval) => Verdict::approve(&approval),
                    Decision::Deny(denial) => Verdict::deny(&denial),
                    Decision::LeaveAlone => return Ok(None),
                    Decision::Inquire(inquiry) => {
                        self.metrics.took(Stage::Evaluate, started.elapsed());
                        return self.inquire(inquiry).await.map(Some);
                    }
                }
            }
            // Without an issuer of ours known, any could be it.
            Wish::Ordinary(_) if issuers.current.is_none() => return Ok(None),
            Wish::Ordinary(request) => match evaluate_ordinary(&issuers.ever, request) {
                OrdinaryDecision::Approve(approval) => Verdict::approve_ordinary(&approval),
                OrdinaryDecision::Deny(denial) => Verdict::deny_ordinary(&denial),
            },
        };
        self.metrics.took(Stage::Evaluate, started.elapsed());
        Ok(Some(verdict))
    }

    /// Reads the Pod and has the policy conclude. The one read of a decision.
    async fn inquire(&self, inquiry: PodInquiry) -> Result<Verdict, PodError> {
        let started = Instant::now();
        let found = pods::read(&self.client, inquiry.pod()).await?;
        self.metrics.took(Stage::ReadPod, started.elapsed());
        Ok(match inquiry.conclude(found.as_ref()) {
            Ok(approval) => Verdict::approve(&approval),
            Err(denial) => Verdict::deny(&denial),
        })
    }

    fn policy(&self, issuer: IssuerReference) -> Policy {
        Policy {
            trust_domain: self.trust_domain.clone(),
            duration: self.duration,
            issuer,
            attestation: self.attestation.clone(),
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
        let reason = verdict.message();
        match verdict.outcome() {
            Outcome::Approved | Outcome::OrdinaryApproved => {
                tracing::info!(namespace, request = name, reason, "approved");
            }
            Outcome::Denied | Outcome::OrdinaryDenied => {
                tracing::warn!(namespace, request = name, reason, "denied");
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
