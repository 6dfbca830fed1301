//! One decision: policy, then PATCH, and again from a fresh read if the object has changed.

use std::sync::Arc;
use std::time::Duration;

use svid_client::clock::Clock;
use svid_client::issuer::{IssuerState, IssuersReceiver};
use svid_client::{ApiClient, ApiError};
use svid_core::identity::TrustDomain;
use svid_core::policy::{
    Attestation, Decision, ExtraAnnotations, IssuerReference, OrdinaryDecision, PodInquiry, Policy,
    evaluate, evaluate_ordinary,
};
use tokio::time::Instant;

use super::candidate::{Candidate, Key, Sighting, Wish};
use super::failure::AttemptError;
use super::index::Ending;
use super::kept::Kept;
use crate::configuration::OrdinaryRequests;
use crate::kinds::Kinds;
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
    /// Which kinds of issuer there are.
    pub(crate) kinds: Kinds,
    /// The time that is written into conditions.
    pub(crate) clock: Arc<dyn Clock>,
    /// Where decisions are counted.
    pub(crate) metrics: Metrics,
}

impl Worker {
    /// Decides on one request, unless the term ends first.
    ///
    /// A call that is under way when the term ends is given up; whether it still takes effect is
    /// as open as with any call whose answer is lost, and harmless for the same reason: it is
    /// bound to the version that was judged.
    pub(crate) async fn decide(self, kept: Kept, term: Term) -> Result<Ending, AttemptError> {
        tokio::select! {
            biased;
            () = term.ended() => Ok(Ending::Interrupted),
            ending = self.attempt(kept, &term) => ending,
        }
    }

    async fn attempt(&self, kept: Kept, term: &Term) -> Result<Ending, AttemptError> {
        let mut candidate = match kept {
            Kept::Whole(candidate) => candidate,
            Kept::Reference(reference) => match self.read(&reference.key).await? {
                Some(candidate) => candidate,
                None => return Ok(Ending::Settled),
            },
        };
        for _ in 0..MOST_CONFLICTS {
            let Some(verdict) = self.judge(&candidate).await? else {
                return Ok(Ending::LeftAlone);
            };
            if term.has_ended() {
                return Ok(Ending::Interrupted);
            }
            if !term.holds(Instant::now()) {
                return Err(AttemptError::Lapsed);
            }
            let resource_version = candidate.resource_version.clone();
            let written = self.write(&candidate, &verdict).await;
            match &written {
                Ok(()) => return Ok(Ending::Written { resource_version }),
                Err(ApiError::Conflict(_)) => drop(self.metrics.conflicts.inc()),
                Err(ApiError::NotFound) => {}
                Err(error) => return Err(error.clone().into()),
            }
            let Some(fresh) = self.read(&candidate.key).await? else {
                return Ok(Ending::Settled);
            };
            if written == Err(ApiError::NotFound) && fresh.resource_version == resource_version {
                return Err(AttemptError::NoStatus);
            }
            candidate = fresh;
        }
        let conflicts = format!("it changed {MOST_CONFLICTS} times while it was decided");
        Err(ApiError::Conflict(conflicts).into())
    }

    /// Reads a request as it is now; None where there is nothing to decide.
    async fn read(&self, key: &Key) -> Result<Option<Arc<Candidate>>, ApiError> {
        let found = status::read(&self.client, &key.namespace, &key.name).await?;
        let sighting = found.map(|object| Sighting::read(object, self.ordinary));
        Ok(match sighting {
            Some(Sighting::Undecided(candidate)) => Some(Arc::from(candidate)),
            Some(Sighting::Decided(_) | Sighting::Settled(_)) | None => None,
        })
    }

    /// Asks the policy, and reads a Pod if the policy needs one. None when the request is not ours
    /// to decide, now at least.
    async fn judge(&self, candidate: &Candidate) -> Result<Option<Verdict>, AttemptError> {
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
                    return Ok(Some(self.inquire(inquiry).await?));
                }
            },
            Wish::Ordinary(request) => {
                if !self.kinds.has(&self.client, &request.issuer).await? {
                    return Err(AttemptError::UnknownKind(request.issuer.clone()));
                }
                match evaluate_ordinary(&issuers.ever, request) {
                    OrdinaryDecision::Approve(approval) => Verdict::approve_ordinary(&approval),
                    OrdinaryDecision::Deny(denial) => Verdict::deny_ordinary(&denial),
                }
            }
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
        let condition = verdict.condition(self.clock.now());
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
