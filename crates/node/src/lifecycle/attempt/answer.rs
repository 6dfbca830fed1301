//! What approver and issuer do with the request.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use svid_api::certmanager::StoredRequest;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::in_flight::InFlight;
use crate::events::EventReason;
use crate::issuance::{Answer, Failure, Issued, News, Outcome, wait};
use crate::lifecycle::status::Phase;
use crate::metrics::{ApiCall, StageReached};
use crate::renewal::patience;

impl InFlight<'_> {
    /// Waits for the answer of approver and issuer, which nobody has checked.
    pub(super) async fn answer(&self, created: &StoredRequest) -> Result<Issued, Failure> {
        let (context, status) = (&self.volume.context, &self.volume.status);
        self.reached(StageReached::Requested);
        status.enter(Phase::Pending);
        let lifetime = Duration::try_from(context.settings.duration).unwrap_or_default();
        let deadline = Instant::now() + patience(lifetime, self.remaining());
        let word = watch::Sender::new(String::new());
        let tell = |news| match news {
            News::Approved => self.reached(StageReached::Approved),
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
        self.reached(StageReached::Issued);
        Ok(issued)
    }

    fn issued(&self, answer: Answer) -> Result<Issued, Failure> {
        let request = self.object();
        let (outcome, event, reason) = match answer {
            Answer::Issued(issued) => return Ok(issued),
            Answer::Deleted => {
                let reason = format!("{request} was deleted before it was answered");
                return Err(Failure::silent(Outcome::Deleted, reason));
            }
            Answer::Denied(words) => (
                Outcome::Denied,
                EventReason::Denied,
                format!("{request} was denied: {words}"),
            ),
            Answer::Failed(words) => (
                Outcome::Failed,
                EventReason::Failed,
                format!("{} did not sign {request}: {words}", self.request.issuer),
            ),
            Answer::Invalid(words) => (
                Outcome::Invalid,
                EventReason::Failed,
                format!("cert-manager calls {request} invalid: {words}"),
            ),
            Answer::TimedOut(last_word) => (
                Outcome::TimedOut,
                EventReason::TimedOut,
                format!("{request} was not answered in time: {last_word}"),
            ),
        };
        Err(Failure::reported(outcome, event, reason))
    }

    /// Reports a request that takes long to the pod's owner, once. Does not end.
    async fn report_when_slow(&self, word: &watch::Sender<String>) -> Infallible {
        sleep(SLOW).await;
        let (context, wish) = (&self.volume.context, &self.volume.wish);
        let text = format!(
            "{} asks {} and waits for {} s: {}",
            self.object(),
            self.request.issuer,
            SLOW.as_secs(),
            *word.borrow(),
        );
        tracing::warn!(volume = %wish.volume, "{text}");
        context.events.report(wish, EventReason::Pending, &text);
        pending().await
    }
}

/// The time until the pod's owner learns that the request is not answered; a healthy cluster
/// answers in seconds.
const SLOW: Duration = Duration::from_secs(30);
