//! What a volume's task keeps good beside the certificate: the trust bundle, and no old requests.

use std::convert::Infallible;
use std::future::pending;
use std::sync::atomic::Ordering;

use tokio::time::sleep;

use svid_client::ApiError;

use super::cleaner::{self, Deletion};
use super::task::{VolumeTask, changed};
use crate::issuance::Failure;
use crate::renewal::Backoff;
use crate::trust::TrustState;
use crate::volume::Record;

impl VolumeTask {
    /// Shows each new trust bundle to the pod, without end.
    pub(super) async fn follow_bundle(&self) -> Infallible {
        let mut trust = self.context.trust.clone();
        let mut backoff = Backoff::default();
        loop {
            trust.mark_unchanged();
            let newest = self.context.trust.clone();
            let shown = self
                .writer
                .show_bundle(move || bundle_text(&newest.borrow()))
                .await;
            let Err(error) = shown else {
                backoff = Backoff::default();
                changed(&mut trust).await;
                continue;
            };
            let wait = backoff.next(None, None, self.context.chance.fraction());
            tracing::warn!(volume = %self.wish.volume, %error, "showing the new trust bundle");
            tokio::select! {
                () = sleep(wait) => {}
                () = changed(&mut trust) => {}
            }
        }
    }

    /// Deletes requests that are of no use any more, then does nothing, without end.
    pub(super) async fn tidy(&self) -> Infallible {
        let mut backoff = Backoff::default();
        while let Err(Undeleted { error, .. }) = self.delete_obsolete().await {
            let chance = self.context.chance.fraction();
            let wait = backoff.next(None, error.retry_after(), chance);
            tokio::select! {
                () = sleep(wait) => {}
                () = self.context.health.recovered() => {}
            }
        }
        pending().await
    }

    /// Before a request is made, the old ones go: one that ended badly would be found by whoever
    /// looks for ours. Where the API server keeps refusing that alone, renewing goes first.
    pub(super) async fn make_room(&self) -> Result<(), Failure> {
        let Err(Undeleted { name, error }) = self.delete_obsolete().await else {
            self.undeleted.store(0, Ordering::Relaxed);
            return Ok(());
        };
        let is_away = matches!(error, ApiError::Unreachable(_) | ApiError::TimedOut(_));
        if is_away || self.undeleted.fetch_add(1, Ordering::Relaxed) < TRIES_TO_DELETE {
            let namespace = self.wish.service_account.namespace();
            let attempted = format!("deleting the CertificateRequest {namespace}/{name}");
            return Err(Failure::api(&attempted, &error));
        }
        tracing::warn!(volume = %self.wish.volume, request = name, %error, "asking anew although an old request stays");
        self.note(self.writer.amend(Record::trim).await);
        Ok(())
    }

    /// Deletes the requests that ended badly or were superseded. One call each.
    async fn delete_obsolete(&self) -> Result<(), Undeleted> {
        let namespace = self.wish.service_account.namespace();
        for name in self.writer.record().await.obsolete() {
            let deletion = cleaner::delete(&self.context, namespace, name).await;
            if let Deletion::Later(error) = deletion {
                let name = name.clone();
                return Err(Undeleted { name, error });
            }
            let name = name.clone();
            self.note(self.writer.amend(move |record| record.forget(&name)).await);
        }
        Ok(())
    }
}

/// A request that could not be deleted yet.
struct Undeleted {
    name: String,
    error: ApiError,
}

/// Attempts in a row that wait for an old request to go.
const TRIES_TO_DELETE: u32 = 3;

/// What a volume shows of the trust bundle; None leaves what is there.
pub(super) fn bundle_text(trust: &TrustState) -> Option<Vec<u8>> {
    match trust {
        TrustState::Bundle(bundle) => Some(bundle.to_pem().as_bytes().to_vec()),
        TrustState::NoSource | TrustState::Unreadable(_) => None,
    }
}
