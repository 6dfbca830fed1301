//! One attempt: key, request, answer, check, files.
//!
//! Invariants: a request is written to the record before it is created (where the disk refuses
//! that, renewing goes first, and the pod that owns the request takes it along); what an attempt
//! leaves on the API server is in the record until it is deleted; nothing becomes visible that was
//! not checked. `ask` is the part that talks to the API server, `check` the one that judges.

use std::sync::Arc;

use svid_client::issuer::IssuerState;
use svid_core::policy::IssuerReference;
use svid_core::svid::{TrustBundle, X509Svid};
use tokio::time::Instant;

use super::status::Phase;
use super::task::{Shown, VolumeTask};
use super::upkeep::bundle_text;
use crate::credential::Credential;
use crate::events::EventReason;
use crate::issuance::{Attempt, Failure, Outcome};
use crate::metrics::StageReached;
use crate::trust::TrustState;
use crate::volume::{FileSet, Record};

/// A trust bundle, where the administrator named a source.
pub(super) type Bundle = Option<Arc<TrustBundle>>;

impl VolumeTask {
    /// Gets a certificate and shows it to the pod.
    pub(super) async fn attempt(
        &self,
        credential: &Credential,
        started: Instant,
    ) -> Result<Shown, Failure> {
        self.set(Phase::Requesting);
        let issuer = self.issuer()?;
        let bundle = self.bundle().await?;
        self.make_room().await?;
        let attempt = Attempt::new(&self.wish, &issuer, &self.context.settings)
            .map_err(|error| Failure::silent(Outcome::NotConfigured, error.to_string()))?;
        let name = attempt.name.clone();
        self.note(self.writer.amend(|record| record.begin(name)).await);
        let result = self.obtain(attempt, bundle, credential, started).await;
        if result.is_err() {
            self.note(self.writer.amend(Record::abandon).await);
        }
        result
    }

    async fn obtain(
        &self,
        attempt: Attempt,
        bundle: Bundle,
        credential: &Credential,
        started: Instant,
    ) -> Result<Shown, Failure> {
        let created = self.create(&attempt, credential).await?;
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

    fn issuer(&self) -> Result<Arc<IssuerReference>, Failure> {
        match &self.context.issuer.borrow().current {
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

    pub(super) fn object(&self, attempt: &Attempt) -> String {
        let namespace = self.wish.service_account.namespace();
        format!("the CertificateRequest {namespace}/{}", attempt.name)
    }
}
