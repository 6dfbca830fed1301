//! What an attempt says to the API server, and what it hears.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use svid_api::certmanager::StoredRequest;
use svid_client::ApiError;
use svid_client::issuer::IssuerState;
use svid_core::policy::IssuerReference;
use tokio::time::{Instant, sleep};

use super::context::Context;
use super::task::VolumeTask;
use crate::credential::{Credential, Requester};
use crate::events::EventReason;
use crate::issuance::{Answer, Attempt, Failure, News, Outcome, wait};
use crate::metrics::{ApiCall, StageReached};
use crate::renewal::Backoff;
use crate::volume::Record;

impl VolumeTask {
    /// Creates the request. An answer that was lost is asked for again with the same request, so
    /// that there are never two.
    pub(super) async fn create(
        &self,
        attempt: &Attempt,
        credential: &Credential,
    ) -> Result<StoredRequest, Failure> {
        let Context {
            requests,
            chance,
            metrics,
            ..
        } = &*self.context;
        let mut backoff = Backoff::default();
        let mut is_in_doubt = false;
        loop {
            let error = match requests.create(credential, &attempt.request).await {
                Ok(created) => return Ok(created),
                Err(ApiError::Conflict(_)) => return self.find_own(attempt).await,
                Err(error) => error,
            };
            metrics.api_error(ApiCall::Create, &error);
            if !error.leaves_doubt() {
                // What an earlier try may have written is to be deleted.
                if !is_in_doubt {
                    self.leave_alone().await;
                }
                return Err(self.not_created(attempt, &error));
            }
            is_in_doubt = true;
            let wait = backoff.next(None, error.retry_after(), chance.fraction());
            if backoff.failures() == TRIES_IN_DOUBT {
                return Err(self.not_created(attempt, &error));
            }
            sleep(wait).await;
        }
    }

    /// After a lost answer: the request of our name, if it is the one that we sent.
    async fn find_own(&self, attempt: &Attempt) -> Result<StoredRequest, Failure> {
        let namespace = self.wish.service_account.namespace();
        let found = self.context.requests.read(namespace, &attempt.name).await;
        let found = found.map_err(|error| {
            self.context.metrics.api_error(ApiCall::Read, &error);
            Failure::api(&format!("reading {}", self.object(attempt)), &error)
        })?;
        if attempt.recognises(&found, &self.wish, self.context.settings.requester) {
            return Ok(found);
        }
        self.leave_alone().await;
        Err(Failure::silent(
            Outcome::ApiError,
            format!(
                "{} exists and was made by somebody else",
                self.object(attempt)
            ),
        ))
    }

    /// There is no request of ours by the name in flight, so there is nothing to delete.
    async fn leave_alone(&self) {
        self.note(self.writer.amend(Record::cancel).await);
    }

    fn not_created(&self, attempt: &Attempt, error: &ApiError) -> Failure {
        let account = &self.wish.service_account;
        let (requester, advice) = match self.context.settings.requester {
            Requester::Pod => (
                account.username(),
                format!(
                    "bind a Role with the verb create on certificaterequests.cert-manager.io in \
                     namespace {} to the service account {}",
                    account.namespace(),
                    account.name(),
                ),
            ),
            Requester::Driver => (
                "the driver".to_owned(),
                "bind a ClusterRole with the verb create on certificaterequests.cert-manager.io to \
                 the driver's service account"
                    .to_owned(),
            ),
        };
        let attempted = format!("creating {} as {requester}", self.object(attempt));
        let failure = Failure::api(&attempted, error);
        match error {
            ApiError::Unauthorized(_) => Failure {
                outcome: Outcome::Unauthorized,
                ..failure
            },
            ApiError::Forbidden(_) => Failure::reported(
                Outcome::Forbidden,
                EventReason::Forbidden,
                format!("{}; if it is a matter of rights, {advice}", failure.reason),
            ),
            ApiError::NotFound => Failure::reported(
                Outcome::ApiError,
                EventReason::Failed,
                format!(
                    "{attempted}: the API server does not know the kind or the namespace; is cert-manager installed?"
                ),
            ),
            ApiError::Refused { .. } => Failure {
                event: Some(EventReason::Failed),
                ..failure
            },
            ApiError::Conflict(_)
            | ApiError::Terminating(_)
            | ApiError::Expired
            | ApiError::Throttled { .. }
            | ApiError::Failed { .. }
            | ApiError::Unreachable(_)
            | ApiError::TimedOut(_)
            | ApiError::Unreadable(_) => failure,
        }
    }

    /// Waits for what approver and issuer say, as PEM that nobody has checked.
    pub(super) async fn answer(
        &self,
        attempt: &Attempt,
        created: &StoredRequest,
        started: Instant,
    ) -> Result<Vec<u8>, Failure> {
        let context = &self.context;
        let lifetime = Duration::try_from(context.settings.duration).unwrap_or_default();
        let deadline = Instant::now() + UNDECIDED.max(lifetime / 3);
        let chance = || context.chance.fraction();
        let tell = |news| self.hear(news, started);
        let answer = tokio::select! {
            answer = wait(&*context.requests, created, deadline, chance, tell) => answer,
            never = self.report_when_slow(attempt) => match never {},
            () = self.issuer_changed(&attempt.issuer) => return Err(Failure::silent(
                Outcome::IssuerChanged,
                format!(
                    "{} asks {}, which is not the issuer any more",
                    self.object(attempt),
                    attempt.issuer,
                ),
            )),
        };
        let request = self.object(attempt);
        Err(match answer {
            Answer::Issued(pem) => return Ok(pem),
            Answer::Denied(words) => Failure::reported(
                Outcome::Denied,
                EventReason::Denied,
                format!("{request} was denied: {words}"),
            ),
            Answer::Failed(words) => Failure::reported(
                Outcome::Failed,
                EventReason::Failed,
                format!("{} did not sign {request}: {words}", attempt.issuer),
            ),
            Answer::Invalid(words) => Failure::reported(
                Outcome::Invalid,
                EventReason::Failed,
                format!("cert-manager calls {request} invalid: {words}"),
            ),
            Answer::Deleted => Failure::silent(
                Outcome::Deleted,
                format!("{request} was deleted before it was answered"),
            ),
            Answer::TimedOut(last_word) => Failure::reported(
                Outcome::TimedOut,
                EventReason::TimedOut,
                format!("{request} was not answered in time: {last_word}"),
            ),
        })
    }

    /// Keeps what is heard of a request that waits, for whoever asks.
    fn hear(&self, news: News, started: Instant) {
        let metrics = &self.context.metrics;
        match news {
            News::Approved => metrics.stage(StageReached::Approved, started.elapsed()),
            News::NotWatched(error) => metrics.api_error(ApiCall::Watch, &error),
            News::Waits(word) => self
                .status
                .send_modify(|status| status.waits_for = Some(word)),
        }
    }

    /// Tells the pod's owner of a request that takes long, once. Does not end.
    async fn report_when_slow(&self, attempt: &Attempt) -> Infallible {
        sleep(SLOW).await;
        let word = self.status.borrow().waits_for.clone().unwrap_or_default();
        let text = format!(
            "{} asks {} and waits for {} s: {word}",
            self.object(attempt),
            attempt.issuer,
            SLOW.as_secs()
        );
        tracing::warn!(volume = %self.wish.volume, "{text}");
        self.context
            .events
            .report(&self.wish, EventReason::Pending, &text);
        pending().await
    }

    /// Ends when another issuer is to be asked, or none.
    async fn issuer_changed(&self, asked: &IssuerReference) {
        let mut issuer = self.context.issuer.clone();
        let other = issuer.wait_for(|issuers| match &issuers.current {
            IssuerState::Known(issuer) => **issuer != *asked,
            IssuerState::Missing(_) => true,
            IssuerState::NotYetRead(_) => false,
        });
        if other.await.is_err() {
            pending::<()>().await;
        }
    }
}

/// The least time that an undecided request is waited for; a third of a longer lifetime otherwise.
const UNDECIDED: Duration = Duration::from_secs(300);
/// Until a pod's owner hears that its request is not answered; a healthy cluster answers in seconds.
const SLOW: Duration = Duration::from_secs(30);
/// Creates of the same request; more would keep a volume from hearing of a new issuer.
const TRIES_IN_DOUBT: u32 = 3;
