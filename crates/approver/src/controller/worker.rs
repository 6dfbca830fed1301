//! One decision: policy, then PATCH, and again from a fresh read if the object has changed.

use std::sync::Arc;
use std::time::Duration;

use svid_client::issuer::{IssuerState, IssuersReceiver};
use svid_client::{ApiClient, ApiError};
use svid_core::identity::TrustDomain;
use svid_core::policy::{
    Attestation, Decision, ExtraAnnotations, IssuerReference, OrdinaryDecision, PodInquiry, Policy,
    evaluate, evaluate_ordinary,
};
use thiserror::Error;
use tokio::time::Instant;

use super::candidate::{Candidate, Key, Sighting, Wish};
use super::kept::Kept;
use crate::Clock;
use crate::configuration::OrdinaryRequests;
use crate::lease::Term;
use crate::metrics::{Metrics, Outcome, Stage};
use crate::pods::{self, PodError};
use crate::status::{self, Verdict};

/// What every decision needs.
#[derive(Clone)]
pub(crate) struct Worker {
    /// Reads and writes requests.
    pub(crate) client: ApiClient,
    /// The enforced trust domain.
    pub(crate) trust_domain: TrustDomain,
    /// The enforced lifetime.
    pub(crate) duration: Duration,
    /// Which account creates the requests, and what proves the identity that it may request.
    pub(crate) attestation: Attestation,
    /// Which annotations a request carries beside its identity.
    pub(crate) extra_annotations: Arc<ExtraAnnotations>,
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
    /// The decision was written onto this version of the object.
    Written {
        /// `metadata.resourceVersion`.
        resource_version: String,
    },
    /// It names another issuer, or the issuers are not known.
    LeftAlone,
    /// It is gone, or another approver decided.
    Settled,
    /// It failed.
    Failed(AttemptError),
    /// The term ended.
    Interrupted,
}

/// Why an attempt to decide failed; the request stays undecided until the next.
#[derive(Debug, Error)]
pub(crate) enum AttemptError {
    /// The decision could not be written, or the request not read again.
    #[error(transparent)]
    Request(#[from] ApiError),
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
    pub(crate) async fn decide(self, kept: Kept, term: Term) -> Attempt {
        tokio::select! {
            biased;
            () = term.ended() => Attempt::Interrupted,
            attempt = self.attempt(kept, &term) => attempt,
        }
    }

    async fn attempt(&self, kept: Kept, term: &Term) -> Attempt {
        let mut candidate = match kept {
            Kept::Whole(candidate) => candidate,
            Kept::Reference(reference) => match self.read(&reference.key).await {
                Ok(candidate) => candidate,
                Err(attempt) => return attempt,
            },
        };
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
                Ok(()) => {
                    let resource_version = candidate.resource_version.clone();
                    return Attempt::Written { resource_version };
                }
                Err(ApiError::Conflict(_)) => self.metrics.conflicts.inc(),
                Err(ApiError::NotFound) => return Attempt::Settled,
                Err(error) => return Attempt::Failed(error.into()),
            };
            candidate = match self.read(&candidate.key).await {
                Ok(fresh) => fresh,
                Err(attempt) => return attempt,
            };
        }
        let conflicts = format!("it changed {MOST_CONFLICTS} times while it was decided");
        Attempt::Failed(ApiError::Conflict(conflicts).into())
    }

    /// Reads a request as it is now; how the attempt ends where there is nothing to decide.
    async fn read(&self, key: &Key) -> Result<Arc<Candidate>, Attempt> {
        match status::read(&self.client, &key.namespace, &key.name).await {
            Ok(object) => match Sighting::read(object, self.ordinary) {
                Sighting::Undecided(candidate) => Ok(Arc::from(candidate)),
                Sighting::Settled(_) => Err(Attempt::Settled),
            },
            Err(ApiError::NotFound) => Err(Attempt::Settled),
            Err(error) => Err(Attempt::Failed(error.into())),
        }
    }

    /// Asks the policy, and reads a Pod if the policy needs one. None when the request is not ours
    /// to decide, now at least.
    async fn judge(&self, candidate: &Candidate) -> Result<Option<Verdict>, PodError> {
        let started = Instant::now();
        let issuers = self.issuers.borrow().clone();
        // While none of our issuers is known, any could be one.
        let IssuerState::Known(issuer) = issuers.current else {
            return Ok(None);
        };
        let verdict = match &candidate.wish {
            Wish::Identity(request) => match evaluate(&self.policy((*issuer).clone()), request) {
                Decision::Approve(approval) => Verdict::approve(&approval),
                Decision::Deny(denial) => Verdict::deny(&denial),
                Decision::LeaveAlone => return Ok(None),
                Decision::Inquire(inquiry) => {
                    self.metrics.took(Stage::Evaluate, started.elapsed());
                    return self.inquire(inquiry).await.map(Some);
                }
            },
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
            extra_annotations: Arc::clone(&self.extra_annotations),
        }
    }

    async fn write(&self, candidate: &Candidate, verdict: &Verdict) -> Result<(), ApiError> {
        let started = Instant::now();
        let condition = verdict.condition((self.clock)());
        let version = candidate.version();
        status::write(&self.client, &version, candidate.conditions, &condition).await?;
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
        Ok(())
    }
}

/// After so many conflicts in a row the object is being changed constantly; it rests as after an
/// error, so that others get their turn.
const MOST_CONFLICTS: usize = 5;
