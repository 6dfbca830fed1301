//! One decision: evaluate the policy, PATCH the status, and start again from a fresh read if the
//! object has changed.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use svid_client::issuer::{IssuerState, IssuersReceiver};
use svid_client::{ApiClient, ApiError};
use svid_core::identity::TrustDomain;
use svid_core::policy::{
    Attestation, Decision, ExtraAnnotations, IssuerReference, OrdinaryDecision, PodInquiry, Policy,
    evaluate, evaluate_ordinary,
};
use tokio::time::Instant;

use super::candidate::{Candidate, Classified, NamespacedName, Requested};
use super::failure::AttemptError;
use super::index::Ending;
use super::kept::Kept;
use crate::configuration::OrdinaryRequests;
use crate::kinds::Kinds;
use crate::lease::Term;
use crate::metrics::{DecisionOutcome, DecisionStage, Metrics};
use crate::pods::{self, PodError};
use crate::status::{self, StatusUpdate};

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
    pub(crate) now: fn() -> Timestamp,
    /// Where decisions are counted.
    pub(crate) metrics: Metrics,
}

impl Worker {
    /// Decides on one request, unless the term ends first.
    ///
    /// A call in progress when the term ends is abandoned. It may still take effect, like any call
    /// whose answer is lost, and is harmless for the same reason: it is bound to the version that
    /// was judged.
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
            let Some(update) = self.judge(&candidate).await? else {
                return Ok(Ending::LeftAlone);
            };
            if term.has_ended() {
                return Ok(Ending::Interrupted);
            }
            if !term.holds(Instant::now()) {
                return Err(AttemptError::Lapsed);
            }
            let resource_version = candidate.resource_version.clone();
            let written = self.write(&candidate, &update).await;
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
        let conflicts = format!("it changed {MOST_CONFLICTS} times while it was being decided");
        Err(ApiError::Conflict(conflicts).into())
    }

    /// Reads a request as it is now; None where there is nothing to decide.
    async fn read(&self, key: &NamespacedName) -> Result<Option<Arc<Candidate>>, ApiError> {
        let found = status::read(&self.client, &key.namespace, &key.name).await?;
        let classified = found.map(|object| Classified::read(object, self.ordinary));
        Ok(match classified {
            Some(Classified::Undecided(candidate)) => Some(Arc::from(candidate)),
            Some(Classified::Decided(_) | Classified::Settled(_)) | None => None,
        })
    }

    /// Evaluates the policy, reading a Pod if the policy needs one. None if the request is not ours
    /// to decide, at least for now.
    async fn judge(&self, candidate: &Candidate) -> Result<Option<StatusUpdate>, AttemptError> {
        let started = Instant::now();
        let issuers = self.issuers.borrow().clone();
        // While none of our issuers is known, any could be one.
        let IssuerState::Known(issuer) = issuers.current else {
            return Ok(None);
        };
        let update = match &candidate.requested {
            Requested::Identity(request) => {
                match evaluate(&self.policy((*issuer).clone()), request) {
                    Decision::Approve(approval) => StatusUpdate::approve(&approval),
                    Decision::Deny(denial) => StatusUpdate::deny(&denial),
                    Decision::LeaveAlone => return Ok(None),
                    Decision::Inquire(inquiry) => {
                        self.metrics
                            .took(DecisionStage::Evaluate, started.elapsed());
                        return Ok(Some(self.inquire(inquiry).await?));
                    }
                }
            }
            Requested::Ordinary(request) => {
                if !self.kinds.has(&self.client, &request.issuer).await? {
                    return Err(AttemptError::UnknownKind(request.issuer.clone()));
                }
                match evaluate_ordinary(&issuers.ever, request) {
                    OrdinaryDecision::Approve(approval) => {
                        StatusUpdate::approve_ordinary(&approval)
                    }
                    OrdinaryDecision::Deny(denial) => StatusUpdate::deny_ordinary(&denial),
                }
            }
        };
        self.metrics
            .took(DecisionStage::Evaluate, started.elapsed());
        Ok(Some(update))
    }

    /// Reads the Pod and has the policy conclude. The one read of a decision.
    async fn inquire(&self, inquiry: PodInquiry) -> Result<StatusUpdate, PodError> {
        let started = Instant::now();
        let found = pods::read(&self.client, inquiry.pod()).await?;
        self.metrics.took(DecisionStage::ReadPod, started.elapsed());
        Ok(match inquiry.conclude(found.as_ref()) {
            Ok(approval) => StatusUpdate::approve(&approval),
            Err(denial) => StatusUpdate::deny(&denial),
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

    async fn write(&self, candidate: &Candidate, update: &StatusUpdate) -> Result<(), ApiError> {
        let started = Instant::now();
        let condition = update.condition((self.now)());
        let version = candidate.version();
        status::write(&self.client, &version, candidate.conditions, &condition).await?;
        self.metrics.took(DecisionStage::Patch, started.elapsed());
        self.metrics.decided(update.outcome());
        let (namespace, name) = (&version.namespace, &version.name);
        let reason = update.message();
        match update.outcome() {
            DecisionOutcome::Approved | DecisionOutcome::OrdinaryApproved => {
                tracing::info!(namespace, request = name, reason, "approved");
            }
            DecisionOutcome::Denied | DecisionOutcome::OrdinaryDenied => {
                tracing::warn!(namespace, request = name, reason, "denied");
            }
        }
        Ok(())
    }
}

/// After this many conflicts in a row the object is being changed constantly; it backs off as after
/// an error, so that others get their turn.
const MOST_CONFLICTS: usize = 5;
