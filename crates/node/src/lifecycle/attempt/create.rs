//! Creating the request, once, even where answers are lost.

use std::pin::pin;

use futures::FutureExt as _;
use svid_api::certmanager::StoredRequest;
use svid_client::ApiError;
use tokio::time::sleep;

use super::in_flight::InFlight;
use crate::credential::RequestMode;
use crate::events::EventReason;
use crate::issuance::{AttemptOutcome, Calls, Failure};
use crate::lifecycle::credentials::Credentials;
use crate::lifecycle::status::Phase;
use crate::lifecycle::turns::CreatePermit;
use crate::metrics::ApiCall;
use crate::renewal::retry_after;
use crate::volume::Record;
use svid_client::retry::Backoff;

impl InFlight<'_> {
    /// Creates the request. If an answer is lost, the same request is sent again, so that there are
    /// never two.
    pub(super) async fn create(&self, credentials: &Credentials) -> Result<StoredRequest, Failure> {
        let context = &self.volume.context;
        let mut backoff = Backoff::default();
        loop {
            let error = match self.send(credentials).await {
                Ok(created) => return Ok(created),
                Err(Unsent::Answered(ApiError::Conflict(_))) => return self.find_own().await,
                Err(Unsent::Answered(error)) => error,
                Err(Unsent::Before(failure)) => {
                    self.cancel_unless_in_doubt(&backoff).await;
                    return Err(failure);
                }
            };
            context.metrics.api_error(ApiCall::Create, &error);
            if !error.leaves_doubt() {
                self.cancel_unless_in_doubt(&backoff).await;
                return Err(self.not_created(&error));
            }
            let asked = retry_after(error.retry_after(), self.remaining());
            let wait = backoff.next(asked, (context.chance)());
            if backoff.failures() == 1 {
                self.volume.writer.amend(Record::doubt).await;
            }
            if backoff.failures() == TRIES_IN_DOUBT {
                return Err(self.not_created(&error));
            }
            sleep(wait).await;
        }
    }

    /// Sends the request once it has its turn, with the credential that is at hand then.
    async fn send(&self, credentials: &Credentials) -> Result<StoredRequest, Unsent> {
        let context = &self.volume.context;
        let _turn = self.turn().await?;
        let credential = credentials.current();
        let credential = credential.filter(|credential| credential.is_usable(context.clock.now()));
        let Some(credential) = credential else {
            let reason = format!(
                "the token expired before {} could be created",
                self.object()
            );
            return Err(Failure::unreported(AttemptOutcome::Unauthorized, reason).into());
        };
        let object = &self.request.object;
        let created = context.requests.create(&credential, object).await;
        if let Err(ApiError::Unauthorized(_)) = &created {
            credentials.refuse(&credential);
        }
        Ok(created?)
    }

    /// Waits for a turn of this pod, as long as the request is for the issuer that is configured.
    /// Every create ends within a limit of its own, so the turn comes.
    async fn turn(&self) -> Result<CreatePermit, Failure> {
        let (context, status) = (&self.volume.context, &self.volume.status);
        let mut turn = pin!(context.turns.take(&self.volume.spec.pod.uid));
        if let Some(turn) = turn.as_mut().now_or_never() {
            return Ok(turn);
        }
        status.enter(Phase::Queued);
        tokio::select! {
            turn = turn => {
                status.enter(Phase::Requesting);
                Ok(turn)
            }
            () = self.issuer_changed() => Err(self.for_another_issuer()),
        }
    }

    /// After an answer that leaves no doubt. What an earlier try may have written has to be
    /// deleted.
    async fn cancel_unless_in_doubt(&self, earlier: &Backoff) {
        if earlier.failures() == 0 {
            self.volume.writer.amend(Record::cancel).await;
        }
    }

    /// After a lost answer: the request of our name, if it is the one that we sent.
    async fn find_own(&self) -> Result<StoredRequest, Failure> {
        let context = &self.volume.context;
        let namespace = self.volume.namespace();
        let found = context.requests.read(namespace, &self.request.name).await;
        let found = found.map_err(|error| {
            context.metrics.api_error(ApiCall::Read, &error);
            Failure::api(&format!("reading {}", self.object()), Calls::Looks, &error)
        })?;
        let (spec, requester) = (&self.volume.spec, context.settings.requester);
        if self.request.recognises(&found, spec, requester) {
            return Ok(found);
        }
        self.volume.writer.amend(Record::cancel).await;
        let reason = format!(
            "{} already exists and was created by somebody else",
            self.object()
        );
        Err(Failure::unreported(AttemptOutcome::ApiError, reason))
    }

    fn not_created(&self, error: &ApiError) -> Failure {
        let account = &self.volume.spec.service_account;
        let (requester, advice) = match self.volume.context.settings.requester {
            RequestMode::Pod => (
                account.username(),
                format!(
                    "bind a Role with the verb create on certificaterequests.cert-manager.io in \
                     namespace {} to the service account {}",
                    account.namespace(),
                    account.name(),
                ),
            ),
            RequestMode::Driver => (
                "the driver".to_owned(),
                "bind a ClusterRole with the verb create on certificaterequests.cert-manager.io to \
                 the driver's service account"
                    .to_owned(),
            ),
        };
        let attempted = format!("creating {} as {requester}", self.object());
        let reason = format!("{attempted}: {error}");
        let (outcome, event, reason) = match error {
            ApiError::Unauthorized(_) => (AttemptOutcome::Unauthorized, None, reason),
            ApiError::Forbidden(_) => (
                AttemptOutcome::Forbidden,
                Some(EventReason::Forbidden),
                format!("{reason}; if permissions are missing, {advice}"),
            ),
            ApiError::NotFound => (
                AttemptOutcome::ApiError,
                Some(EventReason::Failed),
                format!(
                    "{attempted}: the API server does not know the kind or the namespace; is \
                     cert-manager installed?"
                ),
            ),
            ApiError::Refused { .. } => {
                (AttemptOutcome::ApiError, Some(EventReason::Failed), reason)
            }
            ApiError::Conflict(_)
            | ApiError::Terminating(_)
            | ApiError::Expired
            | ApiError::Throttled { .. }
            | ApiError::Failed { .. }
            | ApiError::Unreachable(_)
            | ApiError::Unreadable(_) => (AttemptOutcome::ApiError, None, reason),
            ApiError::TimedOut(_) => (
                AttemptOutcome::ApiError,
                None,
                format!(
                    "{reason}; if it answers other calls, an admission webhook for \
                     certificaterequests probably does not answer: cert-manager's, or another one"
                ),
            ),
        };
        Failure {
            outcome,
            reason,
            event,
            retry_after: error.retry_after(),
            calls: (outcome == AttemptOutcome::ApiError).then_some(Calls::Creates),
        }
    }
}

/// Why a request was not created.
enum Unsent {
    /// Nothing was sent.
    Before(Failure),
    /// The API server's answer, or that there was none.
    Answered(ApiError),
}

impl From<Failure> for Unsent {
    fn from(failure: Failure) -> Self {
        Self::Before(failure)
    }
}

impl From<ApiError> for Unsent {
    fn from(error: ApiError) -> Self {
        Self::Answered(error)
    }
}

/// Creates of the same request; more would keep a volume from noticing a new issuer.
const TRIES_IN_DOUBT: u32 = 3;
