//! Creating the request, once, even where answers are lost.

use svid_api::certmanager::StoredRequest;
use svid_client::ApiError;
use tokio::time::sleep;

use super::in_flight::InFlight;
use crate::credential::{Credential, Requester};
use crate::events::EventReason;
use crate::issuance::{Failure, Outcome};
use crate::metrics::ApiCall;
use crate::volume::Record;
use svid_client::retry::Backoff;

impl InFlight<'_> {
    /// Creates the request. If an answer is lost, the same request is sent again, so that there are
    /// never two.
    pub(super) async fn create(&self, credential: &Credential) -> Result<StoredRequest, Failure> {
        let context = &self.volume.context;
        let mut backoff = Backoff::default();
        let mut is_in_doubt = false;
        loop {
            let object = &self.request.object;
            let error = match context.requests.create(credential, object).await {
                Ok(created) => return Ok(created),
                Err(ApiError::Conflict(_)) => return self.find_own().await,
                Err(error) => error,
            };
            context.metrics.api_error(ApiCall::Create, &error);
            if !error.leaves_doubt() {
                // What an earlier try may have written has to be deleted.
                if !is_in_doubt {
                    self.volume.writer.amend(Record::cancel).await;
                }
                return Err(self.not_created(&error));
            }
            is_in_doubt = true;
            let wait = backoff.next(error.retry_after(), (context.chance)());
            if backoff.failures() == TRIES_IN_DOUBT {
                return Err(self.not_created(&error));
            }
            sleep(wait).await;
        }
    }

    /// After a lost answer: the request of our name, if it is the one that we sent.
    async fn find_own(&self) -> Result<StoredRequest, Failure> {
        let context = &self.volume.context;
        let namespace = self.volume.namespace();
        let found = context.requests.read(namespace, &self.request.name).await;
        let found = found.map_err(|error| {
            context.metrics.api_error(ApiCall::Read, &error);
            Failure::api(&format!("reading {}", self.object()), &error)
        })?;
        let (wish, requester) = (&self.volume.wish, context.settings.requester);
        if self.request.recognises(&found, wish, requester) {
            return Ok(found);
        }
        self.volume.writer.amend(Record::cancel).await;
        let reason = format!("{} exists and was made by somebody else", self.object());
        Err(Failure::silent(Outcome::ApiError, reason))
    }

    fn not_created(&self, error: &ApiError) -> Failure {
        let account = &self.volume.wish.service_account;
        let (requester, advice) = match self.volume.context.settings.requester {
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
        let attempted = format!("creating {} as {requester}", self.object());
        let reason = format!("{attempted}: {error}");
        let (outcome, event, reason) = match error {
            ApiError::Unauthorized(_) => (Outcome::Unauthorized, None, reason),
            ApiError::Forbidden(_) => (
                Outcome::Forbidden,
                Some(EventReason::Forbidden),
                format!("{reason}; if it is a matter of rights, {advice}"),
            ),
            ApiError::NotFound => (
                Outcome::ApiError,
                Some(EventReason::Failed),
                format!(
                    "{attempted}: the API server does not know the kind or the namespace; is \
                     cert-manager installed?"
                ),
            ),
            ApiError::Refused { .. } => (Outcome::ApiError, Some(EventReason::Failed), reason),
            ApiError::Conflict(_)
            | ApiError::Terminating(_)
            | ApiError::Expired
            | ApiError::Throttled { .. }
            | ApiError::Failed { .. }
            | ApiError::Unreachable(_)
            | ApiError::TimedOut(_)
            | ApiError::Unreadable(_) => (Outcome::ApiError, None, reason),
        };
        Failure {
            outcome,
            reason,
            event,
            retry_after: error.retry_after(),
        }
    }
}

/// Creates of the same request; more would keep a volume from noticing a new issuer.
const TRIES_IN_DOUBT: u32 = 3;
