//! One volume's loop: look, wait until due, attempt, back off.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use svid_client::issuer::IssuersReceiver;
use svid_core::svid::Window;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::context::{Context, Volume, changed};
use super::credentials::{Credentials, Held};
use super::obsolete::ObsoleteRequests;
use super::shown::Shown;
use super::status::{NextAttempt, Phase};
use super::waiting::Waiting;
use super::{attempt, bundle};
use crate::issuance::{AttemptOutcome, Calls, Failure};
use crate::metrics::AttemptKind;
use crate::renewal::{publish_pause, retry_after, retry_cap};
use crate::trust::TrustState;
use svid_client::retry::Backoff;

/// Keeps one volume's certificate and trust bundle up to date. Runs until it is dropped.
pub(super) struct VolumeTask {
    volume: Volume,
    credentials: Credentials,
    waiting: Waiting,
    obsolete: ObsoleteRequests,
}

impl VolumeTask {
    pub(super) fn new(volume: Volume, credentials: Credentials, waiting: Waiting) -> Self {
        Self {
            obsolete: ObsoleteRequests::of(volume.clone()),
            volume,
            credentials,
            waiting,
        }
    }

    /// Keeps the volume up to date, forever.
    pub(super) async fn run(mut self) -> Infallible {
        let volume = self.volume.clone();
        tokio::select! {
            never = self.keep_certificate() => match never {},
            never = bundle::follow(&volume) => match never {},
        }
    }

    async fn keep_certificate(&mut self) -> Infallible {
        let mut shown = Shown::look(&self.volume).await;
        loop {
            let window = match &shown {
                None => None,
                Some(found) => {
                    self.volume.status.rest(found.window, found.due);
                    tokio::select! {
                        () = found.rest(&*self.volume.context.clock) => Some(found.window),
                        // The key was nowhere but there.
                        () = self.volume.status.lost() => None,
                        never = self.obsolete.tidy() => match never {},
                    }
                }
            };
            shown = Some(self.renew(window).await);
        }
    }

    /// Attempts until one succeeds, while the pod sees a certificate with this window, or none.
    async fn renew(&mut self, window: Option<Window>) -> Shown {
        let mut backoff = Backoff::default();
        loop {
            let mut credentials = self.credentials.subscribe();
            tokio::select! {
                () = until_usable(&self.volume, &mut credentials) => {}
                never = self.obsolete.tidy() => match never {},
            }
            let context = &self.volume.context;
            let now = context.clock.now();
            let kind = match window {
                Some(window) if window.contains(now) => AttemptKind::Renewal,
                Some(_) | None => AttemptKind::Issuance,
            };
            let mut changes = RetryTriggers::from_now(context, credentials);
            let (volume, obsolete) = (&self.volume, &mut self.obsolete);
            let result = attempt::run(volume, obsolete, &self.credentials, window).await;
            let outcome = result
                .as_ref()
                .map_or_else(|failure| failure.outcome, |_| AttemptOutcome::Issued);
            self.volume.context.metrics.attempt(kind, outcome);
            match result {
                Ok(svid) => return Shown::obtained(&self.volume, &svid),
                Err(failure) if failure.outcome == AttemptOutcome::IssuerChanged => {
                    tracing::info!(volume = %self.volume.spec.volume, reason = failure.reason, "requesting again");
                }
                Err(failure) => {
                    let is_late = changes.has_other_token(&failure);
                    let next = self.report((&failure, is_late), window, &mut backoff);
                    tokio::select! {
                        () = changes.wait(&self.volume.context, &failure, next.at) => {}
                        () = self.wanted(next.for_publish) => {}
                    }
                }
            }
        }
    }

    /// Logs, counts and shows a failure, and returns when the next attempt begins: at once if what
    /// failed `is_late`.
    fn report(
        &self,
        (failure, is_late): (&Failure, bool),
        window: Option<Window>,
        backoff: &mut Backoff,
    ) -> NextAttempt {
        let (context, spec) = (&self.volume.context, &self.volume.spec);
        let now = context.clock.now();
        let window = window.filter(|window| window.contains(now));
        let remaining = window.map(|window| window.remaining(now));
        let is_lasting = failure.outcome.is_lasting();
        let cap = retry_cap(remaining, is_lasting);
        let asked = retry_after(failure.retry_after, remaining);
        let wait = backoff.next_within(cap, asked, (context.chance)());
        let wait = if is_late { Duration::ZERO } else { wait };
        let failed = Instant::now();
        let next = NextAttempt {
            at: failed + wait,
            for_publish: failed + publish_pause(wait, is_lasting),
        };
        tracing::warn!(
            volume = %spec.volume,
            namespace = spec.service_account.namespace(),
            pod = spec.pod.name,
            reason = failure.reason,
            failures = backoff.failures(),
            next_try_seconds = wait.as_secs(),
            valid_seconds = remaining.unwrap_or_default().as_secs(),
            "could not get a new certificate"
        );
        if let Some(event) = failure.event {
            context.events.report(spec, event, &failure.reason);
        }
        context.metrics.retry();
        self.volume.status.fail(&failure.reason, next);
        next
    }

    /// Ends as soon as a publish waits, but not before `from`.
    async fn wanted(&self, from: Instant) {
        sleep_until(from).await;
        self.waiting.begun().await;
    }
}

/// Waits for a credential that the API server would still accept. After a restart there is no
/// pod token until the next publish; that does not count as a failure.
async fn until_usable(volume: &Volume, credentials: &mut watch::Receiver<Held>) {
    let since = volume.context.clock.now();
    loop {
        if let Some(credential) = &credentials.borrow_and_update().credential
            && credential.is_usable(volume.context.clock.now())
        {
            return;
        }
        volume.status.enter(Phase::AwaitingToken(since));
        tokio::select! {
            () = changed(credentials) => {}
            // A clock that is set back makes an old token good again.
            () = sleep(TOKEN_LOOK) => {}
        }
    }
}

/// What may help after a failure, if it has changed since the attempt began.
struct RetryTriggers {
    credentials: watch::Receiver<Held>,
    /// Whether the credential at hand had been refused before.
    was_refused: bool,
    issuer: IssuersReceiver,
    trust: watch::Receiver<TrustState>,
}

impl RetryTriggers {
    /// Changes from now on: created before an attempt reads any of it, so that a change during the
    /// attempt counts as one.
    fn from_now(context: &Context, credentials: watch::Receiver<Held>) -> Self {
        let was_refused = credentials.borrow().refused;
        let mut changes = Self {
            credentials,
            was_refused,
            issuer: context.issuer.clone(),
            trust: context.trust.clone(),
        };
        changes.issuer.mark_unchanged();
        changes.trust.mark_unchanged();
        changes
    }

    /// Whether another token may help: the one at hand was refused, now or before.
    fn wants_other_token(&self, failure: &Failure) -> bool {
        failure.outcome == AttemptOutcome::Unauthorized || self.was_refused
    }

    /// Whether the failure is that of a token that was replaced meanwhile.
    fn has_other_token(&self, failure: &Failure) -> bool {
        self.wants_other_token(failure) && self.credentials.has_changed().unwrap_or(false)
    }

    /// Ends at `next`, or when something changed that may help.
    async fn wait(&mut self, context: &Context, failure: &Failure, next: Instant) {
        let pause = next.saturating_duration_since(Instant::now());
        let wants_other_token = self.wants_other_token(failure);
        tokio::select! {
            () = sleep_until(next) => {}
            () = changed(&mut self.credentials), if wants_other_token => {}
            () = changed(&mut self.issuer) => {}
            () = changed(&mut self.trust) => {}
            () = back(context, failure.calls, pause) => {}
        }
    }
}

/// Ends when these calls work again; never if there are none.
async fn back(context: &Context, calls: Option<Calls>, pause: Duration) {
    match calls {
        Some(calls) => context.health.back(calls, pause, (context.chance)()).await,
        None => pending().await,
    }
}

/// Waiting costs nothing else, and a clock that was wrong is rarely set right.
const TOKEN_LOOK: Duration = Duration::from_secs(60);
