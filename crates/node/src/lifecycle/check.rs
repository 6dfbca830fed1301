//! Whether what an issuer returned may be shown to the pod.

use std::sync::Arc;
use std::time::Duration;

use svid_core::svid::{Anchoring, Expectation, Readiness, X509Svid};
use tokio::time::timeout;

use super::attempt::Bundle;
use super::context::AnchoringPolicy;
use super::status::Phase;
use super::task::VolumeTask;
use crate::events::EventReason;
use crate::issuance::{Attempt, Failure, Outcome};
use crate::trust::TrustState;

impl VolumeTask {
    /// Checks what the issuer returned, and waits until it is valid where that is soon.
    pub(super) async fn check(
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
}
