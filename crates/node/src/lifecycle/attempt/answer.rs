//! Waiting for approver and issuer.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use svid_api::certmanager::StoredRequest;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::in_flight::InFlight;
use crate::events::EventReason;
use crate::issuance::{Answer, AttemptOutcome, Failure, Issued, News, wait};
use crate::lifecycle::status::Phase;
use crate::metrics::{ApiCall, AttemptStage};
use crate::renewal::patience;

impl InFlight<'_> {
    /// Waits for the answer of approver and issuer, which nobody has checked.
    pub(super) async fn answer(&self, created: &StoredRequest) -> Result<Issued, Failure> {
        let (context, status) = (&self.volume.context, &self.volume.status);
        self.reached(AttemptStage::Requested);
        status.enter(Phase::Pending);
        let lifetime = Duration::try_from(context.settings.duration).unwrap_or_default();
        let deadline = Instant::now() + patience(lifetime, self.remaining());
        let word = watch::Sender::new(String::new());
        let tell = |news| match news {
            News::Approved => self.reached(AttemptStage::Approved),
            News::NotWatched(error) => context.metrics.api_error(ApiCall::Watch, &error),
            News::Waits(newest) => {
                status.wait_for(&newest);
                word.send_replace(newest);
            }
        };
        let answer = tokio::select! {
            answer = wait(&*context.requests, created, deadline, context.chance, tell) => answer,
            never = self.report_when_slow(&word) => match never {},
            () = self.issuer_changed() => return Err(self.for_another_issuer()),
        };
        let issued = self.issued(answer)?;
        self.reached(AttemptStage::Issued);
        Ok(issued)
    }

    fn issued(&self, answer: Answer) -> Result<Issued, Failure> {
        let request = self.object();
        let (outcome, event, reason) = match answer {
            Answer::Issued(issued) => return Ok(issued),
            Answer::Deleted => {
                let reason = format!("{request} was deleted before it was completed");
                return Err(Failure::unreported(AttemptOutcome::Deleted, reason));
            }
            Answer::Denied(words) => (
                AttemptOutcome::Denied,
                EventReason::Denied,
                format!("{request} was denied: {words}"),
            ),
            Answer::Failed(words) => (
                AttemptOutcome::Failed,
                EventReason::Failed,
                format!("{} did not sign {request}: {words}", self.request.issuer),
            ),
            Answer::Invalid(words) => (
                AttemptOutcome::Invalid,
                EventReason::Failed,
                format!("cert-manager rejected {request} as invalid: {words}"),
            ),
            Answer::TimedOut(last_word) => (
                AttemptOutcome::TimedOut,
                EventReason::TimedOut,
                format!("{request} was not completed in time: {last_word}"),
            ),
        };
        Err(Failure::reported(outcome, event, reason))
    }

    /// Reports a request that takes long to the pod's owner, once. Does not end.
    async fn report_when_slow(&self, word: &watch::Sender<String>) -> Infallible {
        sleep(SLOW).await;
        let (context, spec) = (&self.volume.context, &self.volume.spec);
        let text = format!(
            "{} for {} has been waiting for {} s: {}",
            self.object(),
            self.request.issuer,
            SLOW.as_secs(),
            *word.borrow(),
        );
        tracing::warn!(volume = %spec.volume, "{text}");
        context.events.report(spec, EventReason::Pending, &text);
        pending().await
    }
}

/// The time until the pod's owner learns that the request is not answered; a healthy cluster
/// answers in seconds.
const SLOW: Duration = Duration::from_secs(30);
