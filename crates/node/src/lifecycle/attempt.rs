//! One attempt: key, request, answer, check, files.
//!
//! Invariants: a request is written to the record before it is created (where the disk refuses
//! that, renewing goes first, and the pod that owns the request takes it along); what an attempt
//! leaves on the API server is in the record until it is deleted; nothing becomes visible that was not checked.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use svid_api::certmanager::CertificateRequest;
use svid_core::svid::{Anchoring, Expectation, Readiness, TrustBundle, X509Svid};
use tokio::time::{Instant, sleep, timeout};

use super::context::{AnchoringPolicy, Context};
use super::status::Phase;
use super::task::{Shown, VolumeTask, bundle_text};
use crate::events::EventReason;
use crate::issuance::{Answer, ApiError, Attempt, Failure, News, Outcome, wait};
use crate::issuer::{Issuer, IssuerState};
use crate::metrics::{ApiCall, StageReached};
use crate::renewal::Backoff;
use crate::trust::TrustState;
use crate::volume::FileSet;
use crate::wish::PodToken;

type Bundle = Option<Arc<TrustBundle>>;

impl VolumeTask {
    /// Gets a certificate and shows it to the pod.
    pub(super) async fn attempt(
        &self,
        token: &PodToken,
        started: Instant,
    ) -> Result<Shown, Failure> {
        self.set(Phase::Requesting);
        let issuer = self.issuer()?;
        let bundle = self.bundle().await?;
        self.delete_obsolete().await?;
        let attempt = Attempt::new(&self.wish, &issuer, &self.context.settings)
            .map_err(|error| Failure::silent(Outcome::NotConfigured, error.to_string()))?;
        let name = attempt.name.clone();
        self.note(
            self.writer
                .amend(|record| record.in_flight = Some(name))
                .await,
        );
        let result = self.obtain(attempt, bundle, token, started).await;
        if result.is_err() {
            let set_aside = self.writer.amend(|record| {
                let left = record.in_flight.take();
                record.obsolete.extend(left);
            });
            self.note(set_aside.await);
        }
        result
    }

    async fn obtain(
        &self,
        attempt: Attempt,
        bundle: Bundle,
        token: &PodToken,
        started: Instant,
    ) -> Result<Shown, Failure> {
        let created = self.create(&attempt, token).await?;
        let metrics = &self.context.metrics;
        metrics.stage(StageReached::Requested, started.elapsed());
        self.set(Phase::Pending);
        let pem = self.answer(&attempt, &created, started).await?;
        metrics.stage(StageReached::Issued, started.elapsed());
        let svid = self.check(&attempt, &pem, &bundle).await?;
        self.set(Phase::Publishing);
        self.show(&attempt, &svid, bundle).await?;
        metrics.stage(StageReached::Published, started.elapsed());
        let shown = self.obtained(&svid);
        self.status.send_modify(|status| {
            status.window = Some(shown.window);
            status.failure = None;
            status.waits_for = None;
        });
        tracing::info!(
            volume = %self.wish.volume,
            namespace = self.wish.service_account.namespace(),
            pod = self.wish.pod.name,
            spiffe_id = %attempt.spiffe_id,
            request = attempt.name,
            usable_until = %shown.window.end,
            "the pod has a new certificate"
        );
        Ok(shown)
    }

    fn issuer(&self) -> Result<Arc<Issuer>, Failure> {
        match &*self.context.issuer.borrow() {
            IssuerState::Known(issuer) => Ok(Arc::clone(issuer)),
            IssuerState::NotYetRead(why) | IssuerState::Missing(why) => Err(Failure::reported(
                Outcome::NotConfigured,
                EventReason::NoIssuer,
                why.clone(),
            )),
        }
    }

    /// The trust bundle to check and show. One that is broken since before we started leaves the
    /// bundle that the volume has.
    async fn bundle(&self) -> Result<Bundle, Failure> {
        let state = self.context.trust.borrow().clone();
        let why = match state {
            TrustState::NoSource => return Ok(None),
            TrustState::Bundle(bundle) => return Ok(Some(bundle)),
            TrustState::Unreadable(why) => why,
        };
        let shown = self.writer.read().await.ok().flatten();
        let text = shown.and_then(|files| files.bundle);
        match text.as_deref().map(TrustBundle::parse_pem) {
            Some(Ok(bundle)) => Ok(Some(Arc::new(bundle))),
            Some(Err(_)) | None => Err(Failure::reported(
                Outcome::NotConfigured,
                EventReason::NoTrustBundle,
                why,
            )),
        }
    }

    /// Creates the request. An answer that was lost is asked for again with the same request, so
    /// that there are never two.
    async fn create(
        &self,
        attempt: &Attempt,
        token: &PodToken,
    ) -> Result<CertificateRequest, Failure> {
        let Context {
            requests,
            chance,
            metrics,
            ..
        } = &*self.context;
        let mut backoff = Backoff::default();
        let mut is_in_doubt = false;
        loop {
            let error = match requests.create(token, &attempt.request).await {
                Ok(created) => return Ok(created),
                Err(ApiError::AlreadyExists) => return self.find_own(attempt).await,
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
    async fn find_own(&self, attempt: &Attempt) -> Result<CertificateRequest, Failure> {
        let namespace = self.wish.service_account.namespace();
        let found = self.context.requests.read(namespace, &attempt.name).await;
        let found = found.map_err(|error| {
            self.context.metrics.api_error(ApiCall::Read, &error);
            Failure::api(&format!("reading {}", self.object(attempt)), &error)
        })?;
        if attempt.recognises(&found, &self.wish) {
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
        self.note(self.writer.amend(|record| record.in_flight = None).await);
    }

    fn not_created(&self, attempt: &Attempt, error: &ApiError) -> Failure {
        let account = &self.wish.service_account;
        let attempted = format!(
            "creating {} as {}",
            self.object(attempt),
            account.username()
        );
        let failure = Failure::api(&attempted, error);
        match error {
            ApiError::Unauthorized(_) => Failure {
                outcome: Outcome::Unauthorized,
                ..failure
            },
            ApiError::Forbidden(_) => Failure::reported(
                Outcome::Forbidden,
                EventReason::Forbidden,
                format!(
                    "{}; if it is a matter of rights, bind a Role with the verb create on \
                     certificaterequests.cert-manager.io in namespace {} to the service account {}",
                    failure.reason,
                    account.namespace(),
                    account.name(),
                ),
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
            ApiError::AlreadyExists
            | ApiError::Expired
            | ApiError::Throttled { .. }
            | ApiError::Failed { .. }
            | ApiError::Unreachable(_)
            | ApiError::TimedOut(_)
            | ApiError::Unreadable(_) => failure,
        }
    }

    /// Waits for what approver and issuer say, as PEM that nobody has checked.
    async fn answer(
        &self,
        attempt: &Attempt,
        created: &CertificateRequest,
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
            "{} waits for {} s: {word}",
            self.object(attempt),
            SLOW.as_secs()
        );
        tracing::warn!(volume = %self.wish.volume, "{text}");
        self.context
            .events
            .report(&self.wish, EventReason::Pending, &text);
        pending().await
    }

    /// Ends when another issuer is to be asked, or none.
    async fn issuer_changed(&self, asked: &Issuer) {
        let mut issuer = self.context.issuer.clone();
        let other = issuer.wait_for(|state| match state {
            IssuerState::Known(issuer) => **issuer != *asked,
            IssuerState::Missing(_) => true,
            IssuerState::NotYetRead(_) => false,
        });
        if other.await.is_err() {
            pending::<()>().await;
        }
    }

    /// Checks what the issuer returned, and waits until it is valid where that is soon.
    async fn check(
        &self,
        attempt: &Attempt,
        pem: &[u8],
        bundle: &Bundle,
    ) -> Result<X509Svid, Failure> {
        let clock = &self.context.clock;
        let svid = self.verify(attempt, pem, bundle)?;
        let now = clock.now();
        match svid.readiness(now) {
            Readiness::Now => Ok(svid),
            Readiness::At(begins) => {
                self.set(Phase::Holding(begins));
                let limit = Duration::try_from(now.duration_until(begins)).unwrap_or_default();
                // The clock that nobody can set ends the wait too.
                let _elapsed = timeout(limit, clock.sleep_until(begins)).await;
                self.verify(attempt, pem, bundle)
            }
            Readiness::TooFarAhead(begins) => Err(self.refused(
                attempt,
                &format!(
                    "it becomes valid at {begins}, and it is {now} by this node's clock; \
                     compare the clocks of the node and the issuer"
                ),
            )),
        }
    }

    /// Checks what the issuer returned as it is now, against the trust bundle as it is now: that
    /// may have changed since the attempt began with `bundle`.
    fn verify(&self, attempt: &Attempt, pem: &[u8], bundle: &Bundle) -> Result<X509Svid, Failure> {
        let newest = match &*self.context.trust.borrow() {
            TrustState::Bundle(newest) => Some(Arc::clone(newest)),
            TrustState::NoSource | TrustState::Unreadable(_) => bundle.clone(),
        };
        let expected = Expectation {
            spiffe_id: &attempt.spiffe_id,
            public_key: attempt.key.public_key(),
            trust_bundle: newest.as_deref(),
        };
        let svid = X509Svid::verify(pem, &expected, self.context.clock.now())
            .map_err(|error| self.refused(attempt, &error.to_string()))?;
        if svid.anchoring() == Anchoring::NotAnchored {
            let why = "no authority of the trust bundle has signed it, so pods that have this bundle will not believe it";
            match self.context.anchoring {
                AnchoringPolicy::Require => return Err(self.refused(attempt, why)),
                AnchoringPolicy::Warn => {
                    tracing::warn!(volume = %self.wish.volume, request = attempt.name, "the certificate is shown although {why}");
                }
            }
        }
        Ok(svid)
    }

    fn refused(&self, attempt: &Attempt, why: &str) -> Failure {
        Failure::reported(
            Outcome::BadCertificate,
            EventReason::BadCertificate,
            format!(
                "what {} returned for {} is refused: {why}",
                attempt.issuer,
                self.object(attempt)
            ),
        )
    }

    async fn show(
        &self,
        attempt: &Attempt,
        svid: &X509Svid,
        checked: Bundle,
    ) -> Result<(), Failure> {
        let certificate = svid.chain_pem().as_bytes().to_vec();
        let key = attempt.key.to_pkcs8_pem();
        let trust = self.context.trust.clone();
        let files = move || FileSet {
            certificate,
            key: key.as_bytes().to_vec().into(),
            bundle: bundle_text(&trust.borrow())
                .or_else(|| checked.map(|bundle| bundle.to_pem().as_bytes().to_vec())),
        };
        self.writer.publish(files).await.map_err(|error| {
            Failure::reported(
                Outcome::NotMounted,
                EventReason::NotMounted,
                error.to_string(),
            )
        })
    }

    fn object(&self, attempt: &Attempt) -> String {
        let namespace = self.wish.service_account.namespace();
        format!("the CertificateRequest {namespace}/{}", attempt.name)
    }
}

/// The least time that an undecided request is waited for; a third of a longer lifetime otherwise.
const UNDECIDED: Duration = Duration::from_secs(300);
/// Until a pod's owner hears that its request is not answered; a healthy cluster answers in seconds.
const SLOW: Duration = Duration::from_secs(30);
/// Creates of the same request; more would keep a volume from hearing of a new issuer.
const TRIES_IN_DOUBT: u32 = 3;
