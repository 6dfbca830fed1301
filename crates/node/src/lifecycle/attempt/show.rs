//! Showing a checked certificate to the pod.

use svid_core::svid::X509Svid;

use super::in_flight::InFlight;
use crate::events::EventReason;
use crate::issuance::{Failure, Outcome};
use crate::lifecycle::status::Phase;
use crate::metrics::StageReached;
use crate::volume::FileSet;

impl InFlight<'_> {
    /// Shows certificate and key, with the trust bundle that counts at the moment of writing.
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
            usable_until = %svid.usable_until(),
            "the pod has a new certificate"
        );
        Ok(())
    }
}
