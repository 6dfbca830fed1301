//! Whether what an issuer returned may be shown to the pod, and showing it.

use std::time::Duration;

use svid_core::svid::{Anchoring, Expectation, Readiness, X509Svid};
use tokio::time::timeout;

use super::in_flight::InFlight;
use crate::events::EventReason;
use crate::issuance::{Failure, Outcome};
use crate::lifecycle::context::AnchoringPolicy;
use crate::lifecycle::status::Phase;
use crate::metrics::StageReached;
use crate::volume::FileSet;

impl InFlight<'_> {
    /// Checks what the issuer returned, and waits until it is valid if that is soon.
    pub(super) async fn check(&self, pem: &[u8]) -> Result<X509Svid, Failure> {
        let clock = &self.volume.context.clock;
        let svid = self.verify(pem)?;
        let now = clock.now();
        match svid.readiness(now) {
            Readiness::Now => Ok(svid),
            Readiness::At(begins) => {
                self.volume.status.enter(Phase::Holding(begins));
                let limit = Duration::try_from(now.duration_until(begins)).unwrap_or_default();
                // The monotonic clock ends the wait too.
                let _elapsed = timeout(limit, clock.sleep_until(begins)).await;
                self.verify(pem)
            }
            Readiness::TooFarAhead(begins) => Err(self.refused(&format!(
                "it becomes valid at {begins}, and it is {now} by this node's clock; compare the \
                 clocks of the node and the issuer"
            ))),
        }
    }

    /// Shows certificate and key, with the trust bundle in effect at the moment of writing.
    pub(super) async fn show(&self, svid: &X509Svid) -> Result<(), Failure> {
        let wish = &self.volume.wish;
        self.volume.status.enter(Phase::Publishing);
        let certificate = svid.chain_pem().as_bytes().to_vec();
        let key = self.request.key.to_pkcs8_pem();
        let bundle = self.bundle.clone();
        let files = move || FileSet {
            certificate,
            key: key.as_bytes().to_vec().into(),
            bundle: bundle.pem(),
        };
        self.volume.writer.publish(files).await.map_err(|error| {
            let (outcome, event) = (Outcome::NotMounted, EventReason::NotMounted);
            Failure::reported(outcome, event, error.to_string())
        })?;
        self.reached(StageReached::Published);
        tracing::info!(
            volume = %wish.volume,
            namespace = self.volume.namespace(),
            pod = wish.pod.name,
            spiffe_id = %svid.spiffe_id(),
            request = self.request.name,
            usable_until = %svid.window().end,
            "the pod has a new certificate"
        );
        Ok(())
    }
    /// Checks what the issuer returned as it is now, against the trust bundle as it is now.
    fn verify(&self, pem: &[u8]) -> Result<X509Svid, Failure> {
        let context = &self.volume.context;
        let bundle = self.bundle.current();
        let expected = Expectation {
            spiffe_id: &self.request.spiffe_id,
            public_key: self.request.key.public_key(),
            trust_bundle: bundle.as_deref(),
        };
        let svid = X509Svid::verify(pem, &expected, context.clock.now())
            .map_err(|error| self.refused(&error.to_string()))?;
        if svid.anchoring() == Anchoring::NotAnchored {
            let why = "no authority of the trust bundle has signed it, so pods that have this bundle will not believe it";
            match context.anchoring {
                AnchoringPolicy::Require => return Err(self.refused(why)),
                AnchoringPolicy::Warn => {
                    tracing::warn!(volume = %self.volume.wish.volume, request = self.request.name, "the certificate is shown although {why}");
                }
            }
        }
        Ok(svid)
    }

    fn refused(&self, why: &str) -> Failure {
        let (issuer, object) = (&self.request.issuer, self.object());
        Failure::reported(
            Outcome::BadCertificate,
            EventReason::BadCertificate,
            format!("what {issuer} returned for {object} is refused: {why}"),
        )
    }
}
