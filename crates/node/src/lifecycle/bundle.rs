//! The trust bundle of one volume: which one is in effect, and showing each new one.

use std::convert::Infallible;
use std::sync::Arc;

use svid_core::svid::TrustBundle;
use tokio::sync::watch;
use tokio::time::sleep;

use super::context::{Volume, changed};
use crate::events::EventReason;
use crate::issuance::{AttemptOutcome, Failure};
use crate::trust::TrustState;
use svid_client::retry::Backoff;

/// The trust bundle in effect for a volume: the newest good one at the time of asking, else the one
/// in effect when the attempt began.
#[derive(Clone)]
pub(super) struct EffectiveBundle {
    trust: watch::Receiver<TrustState>,
    fallback: Option<Arc<TrustBundle>>,
}

impl EffectiveBundle {
    /// The bundle to check and show. If the source has been broken since before we started, this is
    /// the bundle that the volume shows.
    ///
    /// # Errors
    /// If there is a source, and no good bundle in it or in the volume.
    pub(super) async fn of(volume: &Volume) -> Result<Self, Failure> {
        let trust = volume.context.trust.clone();
        let state = trust.borrow().clone();
        let fallback = match state {
            TrustState::NoSource => None,
            TrustState::Bundle(bundle) => Some(bundle),
            TrustState::Unreadable(why) => Some(shown(volume).await.ok_or_else(|| {
                Failure::reported(
                    AttemptOutcome::NotConfigured,
                    EventReason::NoTrustBundle,
                    why,
                )
            })?),
        };
        Ok(Self { trust, fallback })
    }

    /// The bundle in effect now, if the administrator named a source.
    pub(super) fn current(&self) -> Option<Arc<TrustBundle>> {
        match &*self.trust.borrow() {
            TrustState::Bundle(newest) => Some(Arc::clone(newest)),
            TrustState::NoSource | TrustState::Unreadable(_) => self.fallback.clone(),
        }
    }

    /// The same, as the content of a file.
    pub(super) fn pem(&self) -> Option<Vec<u8>> {
        Some(self.current()?.to_pem().as_bytes().to_vec())
    }
}

/// The bundle in the volume, if it is a good one.
async fn shown(volume: &Volume) -> Option<Arc<TrustBundle>> {
    let files = volume.writer.read().await.ok()??;
    TrustBundle::parse_pem(&files.bundle?).ok().map(Arc::new)
}

/// Shows each new trust bundle to the pod, forever.
pub(super) async fn follow(volume: &Volume) -> Infallible {
    let mut trust = volume.context.trust.clone();
    // If the source has no good bundle, the volume keeps what it shows.
    let newest = EffectiveBundle {
        trust: trust.clone(),
        fallback: None,
    };
    let mut backoff = Backoff::default();
    loop {
        trust.mark_unchanged();
        let newest = newest.clone();
        let Err(error) = volume.writer.show_bundle(move || newest.pem()).await else {
            backoff.reset();
            changed(&mut trust).await;
            continue;
        };
        let wait = backoff.next(None, (volume.context.chance)());
        tracing::warn!(volume = %volume.spec.volume, %error, "could not publish the new trust bundle");
        tokio::select! {
            () = sleep(wait) => {}
            () = changed(&mut trust) => {}
        }
    }
}
