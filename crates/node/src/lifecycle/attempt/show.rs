//! Whether what an issuer returned may be shown to the pod, and showing it.

use std::time::Duration;

use svid_core::svid::{Anchoring, Expectation, StartOfValidity, X509Svid};
use tokio::time::timeout;

use super::in_flight::InFlight;
use crate::events::EventReason;
use crate::issuance::{AttemptOutcome, Failure, Issued};
use crate::lifecycle::context::{AnchoringPolicy, KeyUsagePolicy};
use crate::lifecycle::status::Phase;
use crate::metrics::{AttemptStage, Doubt};
use crate::volume::FileSet;

impl InFlight<'_> {
    /// Checks what the issuer returned, and waits until it is valid if that is soon.
    pub(super) async fn check(&self, issued: &Issued) -> Result<X509Svid, Failure> {
        let clock = &self.volume.context.clock;
        let svid = self.verify(issued)?;
        let now = clock.now();
        match svid.readiness(now) {
            StartOfValidity::Now => Ok(svid),
            StartOfValidity::At(begins) => {
                self.volume.status.enter(Phase::Holding(begins));
                let limit = Duration::try_from(now.duration_until(begins)).unwrap_or_default();
                // The monotonic clock ends the wait too.
                let _elapsed = timeout(limit, clock.sleep_until(begins)).await;
                self.verify(issued)
            }
            StartOfValidity::TooFarAhead(begins) => Err(self.refused(&format!(
                "it is not valid before {begins}, and this node's clock says {now}; compare the \
                 clocks of the node and the issuer"
            ))),
        }
    }

    /// Shows certificate and key, with the trust bundle in effect at the moment of writing.
    pub(super) async fn show(&self, svid: &X509Svid) -> Result<(), Failure> {
        let spec = &self.volume.spec;
        self.volume.status.enter(Phase::Publishing);
        let certificate = svid.chain_pem().as_bytes().to_vec();
        let key = self.request.key.to_pkcs8_pem();
        let bundle = self.bundle.clone();
        let files = move || FileSet {
            certificate,
            key: key.as_bytes().to_vec().into(),
            bundle: bundle.pem(),
        };
        let now = self.volume.context.clock.now();
        let shown = self.volume.writer.publish(files, now).await;
        shown.map_err(|error| {
            let (outcome, event) = (AttemptOutcome::NotMounted, EventReason::NotMounted);
            Failure::reported(outcome, event, error.to_string())
        })?;
        self.reached(AttemptStage::Published);
        tracing::info!(
            volume = %spec.volume,
            namespace = self.volume.namespace(),
            pod = spec.pod.name,
            spiffe_id = %svid.spiffe_id(),
            request = self.request.name,
            usable_until = %svid.window().end,
            "the pod has a new certificate"
        );
        self.doubt(svid);
        Ok(())
    }

    /// Says why somebody may refuse the certificate that was shown.
    fn doubt(&self, svid: &X509Svid) {
        let (context, spec) = (&self.volume.context, &self.volume.spec);
        let doubts = [
            not_anchored(svid).map(|why| (Doubt::NotAnchored, EventReason::NotAnchored, why)),
            no_key_usage(svid).map(|why| (Doubt::NoKeyUsage, EventReason::NoKeyUsage, why)),
            svid.ends_first().map(|first| {
                let reason = EventReason::AuthorityEnds;
                (Doubt::AuthorityEnds, reason, first.to_string())
            }),
        ];
        for (doubt, reason, why) in doubts.into_iter().flatten() {
            let issuer = &self.request.issuer;
            let text = format!("the certificate from {issuer} was published although {why}");
            tracing::warn!(volume = %spec.volume, request = self.request.name, "{text}");
            context.metrics.doubt(doubt);
            context.events.report(spec, reason, &text);
        }
    }

    /// Checks what the issuer returned as it is now, against the trust bundle as it is now.
    fn verify(&self, issued: &Issued) -> Result<X509Svid, Failure> {
        let context = &self.volume.context;
        let bundle = self.bundle.current();
        let expected = Expectation {
            spiffe_id: &self.request.spiffe_id,
            public_key: self.request.key.public_key(),
            candidates: &issued.candidates,
            trust_bundle: bundle.as_deref(),
        };
        let svid = X509Svid::verify(&issued.chain, &expected, context.clock.now())
            .map_err(|error| self.refused(&error.to_string()))?;
        let unfit = match (context.anchoring, context.key_usage) {
            (AnchoringPolicy::Require, _) if not_anchored(&svid).is_some() => not_anchored(&svid),
            (_, KeyUsagePolicy::Require) => no_key_usage(&svid),
            (AnchoringPolicy::Require | AnchoringPolicy::Warn, KeyUsagePolicy::Warn) => None,
        };
        if let Some(why) = unfit {
            return Err(self.refused(&why));
        }
        Ok(svid)
    }

    fn refused(&self, why: &str) -> Failure {
        let (issuer, object) = (&self.request.issuer, self.object());
        Failure::reported(
            AttemptOutcome::BadCertificate,
            EventReason::BadCertificate,
            format!("the certificate that {issuer} returned for {object} is refused: {why}"),
        )
    }
}

fn not_anchored(svid: &X509Svid) -> Option<String> {
    match svid.anchoring() {
        Anchoring::NotAnchored(gap) => Some(format!(
            "it does not lead to the trust bundle, so pods with this bundle will not trust it: \
             {gap}"
        )),
        Anchoring::Anchored | Anchoring::NoBundle => None,
    }
}

fn no_key_usage(svid: &X509Svid) -> Option<String> {
    (!svid.has_key_usage()).then(|| {
        "it has no key usage, and most SPIFFE libraries reject such a certificate; configure the \
         issuer to take the usages from the request"
            .to_owned()
    })
}
