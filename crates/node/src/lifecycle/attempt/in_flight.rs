//! What one attempt holds, from its beginning to its end.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use svid_client::issuer::IssuerState;
use svid_core::policy::IssuerReference;
use svid_core::svid::Window;
use tokio::time::{Instant, timeout};

use crate::events::EventReason;
use crate::issuance::{AttemptOutcome, Failure, NewRequest};
use crate::lifecycle::bundle::EffectiveBundle;
use crate::lifecycle::context::{Context, Volume};
use crate::lifecycle::obsolete::ObsoleteRequests;
use crate::lifecycle::status::Phase;
use crate::metrics::AttemptStage;

/// An attempt whose request is named in the record as in flight.
pub(super) struct InFlight<'a> {
    pub(super) volume: &'a Volume,
    /// The key, and the request as it is sent.
    pub(super) request: NewRequest,
    /// What the answer is checked against, and what is shown with it.
    pub(super) bundle: EffectiveBundle,
    /// When the certificate that the pod sees is valid; None if there is none.
    shown: Option<Window>,
    started: Instant,
}

impl<'a> InFlight<'a> {
    /// Collects what an attempt needs, and names its request in the record.
    pub(super) async fn begin(
        volume: &'a Volume,
        obsolete: &mut ObsoleteRequests,
        shown: Option<Window>,
    ) -> Result<Self, Failure> {
        let started = Instant::now();
        volume.status.enter(Phase::Requesting);
        let issuer = issuer(&volume.context).await?;
        let bundle = EffectiveBundle::of(volume).await?;
        obsolete.make_room().await?;
        let request =
            NewRequest::new(&volume.spec, &issuer, &volume.context.settings).map_err(|error| {
                Failure::unreported(AttemptOutcome::NotConfigured, error.to_string())
            })?;
        let name = request.name.clone();
        volume.writer.amend(|record| record.begin(name)).await;
        Ok(Self {
            volume,
            request,
            bundle,
            shown,
            started,
        })
    }

    /// The request, for texts.
    pub(super) fn object(&self) -> String {
        self.volume.request(&self.request.name)
    }

    pub(super) fn reached(&self, stage: AttemptStage) {
        let metrics = &self.volume.context.metrics;
        metrics.stage(stage, self.started.elapsed());
    }

    /// How long the certificate that the pod sees is still valid; None if it has no valid one.
    pub(super) fn remaining(&self) -> Option<Duration> {
        let now = self.volume.context.clock.now();
        let window = self.shown.filter(|window| window.contains(now))?;
        Some(window.remaining(now))
    }

    /// The request is for an issuer that is not the configured one any more.
    pub(super) fn for_another_issuer(&self) -> Failure {
        let (object, issuer) = (self.object(), &self.request.issuer);
        let reason = format!("{object} is for {issuer}, which is no longer the configured issuer");
        Failure::unreported(AttemptOutcome::IssuerChanged, reason)
    }

    /// Ends when another issuer is configured, or none.
    pub(super) async fn issuer_changed(&self) {
        let mut issuer = self.volume.context.issuer.clone();
        let other = issuer.wait_for(|issuers| match &issuers.current {
            IssuerState::Known(issuer) => **issuer != self.request.issuer,
            IssuerState::Missing(_) => true,
            IssuerState::NotYetRead(_) => false,
        });
        if other.await.is_err() {
            pending::<()>().await;
        }
    }
}

/// The issuer to ask. One that has only not been read yet, as when the driver starts, is waited
/// for: that is nothing to report.
async fn issuer(context: &Context) -> Result<Arc<IssuerReference>, Failure> {
    let mut issuers = context.issuer.clone();
    let read = issuers.wait_for(|issuers| !matches!(issuers.current, IssuerState::NotYetRead(_)));
    let _is_late = timeout(FIRST_READ, read).await.is_err();
    match &context.issuer.borrow().current {
        IssuerState::Known(issuer) => Ok(Arc::clone(issuer)),
        IssuerState::NotYetRead(why) | IssuerState::Missing(why) => Err(Failure::reported(
            AttemptOutcome::NotConfigured,
            EventReason::NoIssuer,
            why.clone(),
        )),
    }
}

/// How long the first read of the issuer's `ConfigMap` is waited for. A healthy API server answers
/// in a fraction of it; if it were longer, what is wrong would be told later.
const FIRST_READ: Duration = Duration::from_secs(10);
