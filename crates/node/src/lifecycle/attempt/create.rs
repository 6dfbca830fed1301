//! Creating the request, once, even where answers are lost.

use svid_api::certmanager::StoredRequest;
use svid_client::ApiError;
use tokio::time::sleep;

use super::in_flight::InFlight;
use crate::credential::{Credential, Requester};
use crate::events::EventReason;
use crate::issuance::{Failure, Outcome};
use crate::lifecycle::context::Context;
use crate::lifecycle::volume::Volume;
use crate::metrics::{ApiCall, StageReached};
use crate::renewal::Backoff;
use crate::volume::Record;

impl InFlight<'_> {
    /// Creates the request. An answer that was lost is asked for again with the same request, so
    /// that there are never two.
    pub(super) async fn create(&self, credential: &Credential) -> Result<StoredRequest, Failure> {
        let created = self.create_once(credential).await?;
        self.reached(StageReached::Requested);
        Ok(created)
    }

    async fn create_once(&self, credential: &Credential) -> Result<StoredRequest, Failure> {
        let Context {
            requests,
            chance,
            metrics,
            ..
        } = &*self.volume.context;
        let mut backoff = Backoff::default();
        let mut is_in_doubt = false;
        loop {
            let error = match requests.create(credential, &self.request.object).await {
                Ok(created) => return Ok(created),
                Err(ApiError::Conflict(_)) => return self.find_own().await,
                Err(error) => error,
            };
            metrics.api_error(ApiCall::Create, &error);
            if !error.leaves_doubt() {
                // What an earlier try may have written is to be deleted.
                if !is_in_doubt {
                    self.volume.writer.amend(Record::cancel).await;
                }
                return Err(self.not_created(&error));
            }
            is_in_doubt = true;
            let wait = backoff.next(None, error.retry_after(), chance.fraction());
            if backoff.failures() == TRIES_IN_DOUBT {
                return Err(self.not_created(&error));
            }
            sleep(wait).await;
        }
    }

    /// After a lost answer: the request of our name, if it is the one that we sent.
    async fn find_own(&self) -> Result<StoredRequest, Failure> {
        let Volume {
            context,
            wish,
            writer,
            ..
        } = self.volume;
        let namespace = self.volume.namespace();
        let found = context.requests.read(namespace, &self.request.name).await;
        let found = found.map_err(|error| {
            context.metrics.api_error(ApiCall::Read, &error);
            Failure::api(&format!("reading {}", self.object()), &error)
        })?;
        let requester = context.settings.requester;
        if self.request.recognises(&found, wish, requester) {
            return Ok(found);
        }
        writer.amend(Record::cancel).await;
        let reason = format!("{} exists and was made by somebody else", self.object());
        Err(Failure::silent(Outcome::ApiError, reason))
    }

    fn not_created(&self, error: &ApiError) -> Failure {
        let Volume { context, wish, .. } = self.volume;
        let account = &wish.service_account;
        let (requester, advice) = match context.settings.requester {
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
}

/// Creates of the same request; more would keep a volume from hearing of a new issuer.
const TRIES_IN_DOUBT: u32 = 3;
