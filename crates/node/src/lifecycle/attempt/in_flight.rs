//! What one attempt holds, from its beginning to its end.

use std::sync::Arc;

use svid_client::issuer::IssuerState;
use svid_core::policy::IssuerReference;
use tokio::time::Instant;

use crate::events::EventReason;
use crate::issuance::{Failure, NewRequest, Outcome};
use crate::lifecycle::bundle::EffectiveBundle;
use crate::lifecycle::context::{Context, Volume};
use crate::lifecycle::obsolete::ObsoleteRequests;
use crate::lifecycle::status::Phase;
use crate::metrics::StageReached;

/// An attempt whose request is named in the record as in flight.
pub(super) struct InFlight<'a> {
    pub(super) volume: &'a Volume,
    /// The key, and the request as it is sent.
    pub(super) request: NewRequest,
    /// What the answer is checked against, and what is shown with it.
    pub(super) bundle: EffectiveBundle,
    started: Instant,
}

impl<'a> InFlight<'a> {
    /// Collects what an attempt needs, and names its request in the record.
    pub(super) async fn begin(
        volume: &'a Volume,
        obsolete: &mut ObsoleteRequests,
    ) -> Result<Self, Failure> {
        let started = Instant::now();
        volume.status.enter(Phase::Requesting);
        let issuer = issuer(&volume.context)?;
        let bundle = EffectiveBundle::of(volume).await?;
        obsolete.make_room().await?;
        let request = NewRequest::new(&volume.wish, &issuer, &volume.context.settings)
            .map_err(|error| Failure::silent(Outcome::NotConfigured, error.to_string()))?;
        let name = request.name.clone();
        volume.writer.amend(|record| record.begin(name)).await;
        Ok(Self {
            volume,
            request,
            bundle,
            started,
        })
    }

    /// The request, for texts.
    pub(super) fn object(&self) -> String {
        self.volume.request(&self.request.name)
    }

    pub(super) fn reached(&self, stage: StageReached) {
        let metrics = &self.volume.context.metrics;
        metrics.stage(stage, self.started.elapsed());
    }
}

fn issuer(context: &Context) -> Result<Arc<IssuerReference>, Failure> {
    match &context.issuer.borrow().current {
        IssuerState::Known(issuer) => Ok(Arc::clone(issuer)),
        IssuerState::NotYetRead(why) | IssuerState::Missing(why) => Err(Failure::reported(
            Outcome::NotConfigured,
            EventReason::NoIssuer,
            why.clone(),
        )),
    }
}
