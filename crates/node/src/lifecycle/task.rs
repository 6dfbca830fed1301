//! One volume's loop: look, wait until due, attempt, back off.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use jiff::Timestamp;
use svid_client::issuer::IssuersReceiver;
use svid_core::identity::SpiffeId;
use svid_core::svid::{Expectation, PublicKey, Readiness, X509Svid};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::context::Context;
use super::status::{Phase, VolumeStatus};
use super::writer::{WriteError, Writer};
use crate::credential::Credential;
use crate::issuance::{Failure, Outcome};
use crate::metrics::AttemptKind;
use crate::renewal::{Backoff, Window, due, least_pause};
use crate::trust::TrustState;
use crate::wish::Wish;

/// What keeps one volume's certificate and trust bundle good. Runs until it is dropped.
pub(super) struct VolumeTask {
    pub(super) context: Arc<Context>,
    pub(super) wish: Arc<Wish>,
    pub(super) writer: Writer,
    pub(super) credential: watch::Receiver<Option<Credential>>,
    pub(super) status: watch::Sender<VolumeStatus>,
    /// Attempts in a row before which an old request could not be deleted.
    pub(super) undeleted: AtomicU32,
}

/// The certificate that the pod sees.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    pub(super) window: Window,
    due: Timestamp,
    /// The same by a clock that nobody can set.
    due_at: Instant,
    /// Not renewed before this, whatever the wall clock says.
    rested: Instant,
}

/// What may help after a failure, where it has changed since the attempt began.
struct Changes {
    credentials: watch::Receiver<Option<Credential>>,
    issuer: IssuersReceiver,
    trust: watch::Receiver<TrustState>,
}

impl VolumeTask {
    /// Keeps the volume good, without end.
    pub(super) async fn run(self) -> Infallible {
        tokio::select! {
            never = self.follow_certificate() => match never {},
            never = self.follow_bundle() => match never {},
        }
    }

    async fn follow_certificate(&self) -> Infallible {
        let mut shown = self.look().await;
        self.status
            .send_modify(|status| status.window = shown.map(|shown| shown.window));
        loop {
            if let Some(shown) = &shown {
                self.set(Phase::Resting(shown.due));
                tokio::select! {
                    () = self.rest(shown) => {}
                    never = self.tidy() => match never {},
                }
            }
            shown = Some(self.renew().await);
        }
    }

    /// What is in the volume: a good SVID of the pod's identity with its key, or None.
    async fn look(&self) -> Option<Shown> {
        let volume = &self.wish.volume;
        let files = match self.writer.read().await {
            Ok(files) => files?,
            Err(error) => {
                tracing::warn!(%volume, %error, "looking at what is in the volume");
                return None;
            }
        };
        let now = self.context.clock.now();
        let identity = self.spiffe_id();
        let found = PublicKey::from_pkcs8_pem(&files.key).map_err(|error| error.to_string());
        let found = found.and_then(|key| {
            let expected = Expectation {
                spiffe_id: &identity,
                public_key: &key,
                trust_bundle: None,
            };
            X509Svid::verify(&files.certificate, &expected, now).map_err(|error| error.to_string())
        });
        match found {
            Ok(svid) if svid.readiness(now) == Readiness::Now => {
                Some(self.shown(&svid, Duration::ZERO))
            }
            Ok(svid) => {
                tracing::info!(%volume, valid_from = %svid.not_before(), "what is in the volume is not valid yet: asking anew");
                None
            }
            Err(error) => {
                tracing::info!(%volume, error, "what is in the volume is of no use: asking anew");
                None
            }
        }
    }

    /// Ends when the certificate is due, by the wall clock or by one that nobody can set.
    async fn rest(&self, shown: &Shown) {
        sleep_until(shown.rested).await;
        tokio::select! {
            () = self.context.clock.sleep_until(shown.due) => {}
            () = sleep_until(shown.due_at) => {}
        }
    }

    /// Attempts until one succeeds.
    async fn renew(&self) -> Shown {
        let mut backoff = Backoff::default();
        loop {
            let mut credentials = self.credential.clone();
            let credential = tokio::select! {
                credential = self.usable(&mut credentials) => credential,
                never = self.tidy() => match never {},
            };
            let started = Instant::now();
            let kind = if self.status.borrow().is_valid(self.context.clock.now()) {
                AttemptKind::Renewal
            } else {
                AttemptKind::Issuance
            };
            // Marked before the attempt reads them, so that a change during it counts as one.
            let mut changes = Changes {
                credentials,
                issuer: self.context.issuer.clone(),
                trust: self.context.trust.clone(),
            };
            changes.issuer.mark_unchanged();
            changes.trust.mark_unchanged();
            let result = self.attempt(&credential, started).await;
            let outcome = result
                .as_ref()
                .map_or_else(|failure| failure.outcome, |_| Outcome::Issued);
            self.context.metrics.attempt(kind, outcome);
            match result {
                Ok(shown) => return shown,
                Err(failure) if failure.outcome == Outcome::IssuerChanged => {
                    tracing::info!(volume = %self.wish.volume, reason = failure.reason, "asking again");
                }
                Err(failure) => {
                    self.back_off(&failure, &mut backoff, &mut changes).await;
                }
            }
        }
    }

    /// Waits for a credential that the API server can still take. A restart has no pod's token until
    /// the next publish; that is no failure.
    async fn usable(&self, credentials: &mut watch::Receiver<Option<Credential>>) -> Credential {
        loop {
            if let Some(credential) = &*credentials.borrow_and_update()
                && credential.is_usable(self.context.clock.now())
            {
                return credential.clone();
            }
            self.set(Phase::AwaitingToken);
            tokio::select! {
                () = changed(credentials) => {}
                // A clock that is set back makes an old token good again.
                () = sleep(TOKEN_LOOK) => {}
            }
        }
    }

    /// Tells whoever must know, and waits: until the backoff is over, or until something changed
    /// that may help.
    async fn back_off(&self, failure: &Failure, backoff: &mut Backoff, changes: &mut Changes) {
        let (context, wish) = (&self.context, &self.wish);
        let now = context.clock.now();
        let status = self.status.borrow().clone();
        let window = status.window.filter(|_| status.is_valid(now));
        let remaining = window.map(|window| window.remaining(now));
        let wait = backoff.next(remaining, failure.retry_after, context.chance.fraction());
        let next = Instant::now() + wait;
        tracing::warn!(
            volume = %wish.volume,
            namespace = wish.service_account.namespace(),
            pod = wish.pod.name,
            reason = failure.reason,
            failures = backoff.failures(),
            next_try_seconds = wait.as_secs(),
            valid_seconds = remaining.unwrap_or_default().as_secs(),
            "no new certificate"
        );
        if let Some(event) = failure.event {
            context.events.report(wish, event, &failure.reason);
        }
        context.metrics.retry();
        let token_helps = failure.outcome == Outcome::Unauthorized;
        self.status.send_modify(|status| {
            status.phase = Phase::RetryingAt(next);
            status.failure = Some(failure.reason.clone());
        });
        tokio::select! {
            () = sleep_until(next) => {}
            () = changed(&mut changes.credentials), if token_helps => {}
            () = changed(&mut changes.issuer) => {}
            () = changed(&mut changes.trust) => {}
            () = context.health.recovered(), if failure.outcome == Outcome::ApiError => {
                // All volumes that wait hear of it at the same time.
                sleep(RECOVERY_SPREAD.mul_f64(context.chance.fraction())).await;
            }
        }
    }

    /// A record that lags behind costs a request at the next start; it is no reason to stop.
    pub(super) fn note(&self, result: Result<(), WriteError>) {
        if let Err(error) = result {
            tracing::warn!(volume = %self.wish.volume, %error, "writing the volume's record");
        }
    }

    pub(super) fn set(&self, phase: Phase) {
        self.status.send_modify(|status| status.phase = phase);
    }

    pub(super) fn spiffe_id(&self) -> SpiffeId {
        SpiffeId::for_service_account(
            &self.context.settings.trust_domain,
            &self.wish.service_account,
        )
    }

    /// A certificate that the pod sees from now on, to be left alone for `pause` at least.
    pub(super) fn shown(&self, svid: &X509Svid, pause: Duration) -> Shown {
        let window = window(svid);
        let due = due(&window, &self.wish.volume, svid.serial());
        let left = self.context.clock.now().duration_until(due);
        Shown {
            window,
            due,
            due_at: Instant::now() + left.try_into().unwrap_or_default(),
            rested: Instant::now() + pause,
        }
    }

    /// A certificate that was just obtained.
    pub(super) fn obtained(&self, svid: &X509Svid) -> Shown {
        self.shown(svid, least_pause(&window(svid)).max(SHORTEST_PAUSE))
    }
}

fn window(svid: &X509Svid) -> Window {
    Window {
        start: svid.usable_from(),
        end: svid.usable_until(),
    }
}

/// Waits for a change; where there can be none any more, without end.
pub(super) async fn changed<T: Send + Sync>(receiver: &mut watch::Receiver<T>) {
    if receiver.changed().await.is_err() {
        pending::<()>().await;
    }
}

/// A certificate of seconds, or of none, must not make us ask without end.
const SHORTEST_PAUSE: Duration = Duration::from_secs(5);
/// Waiting costs nothing else, and a clock that was wrong is rarely set right.
const TOKEN_LOOK: Duration = Duration::from_secs(60);
/// The volumes of a node that waited for the API server ask again within this time.
const RECOVERY_SPREAD: Duration = Duration::from_secs(2);
