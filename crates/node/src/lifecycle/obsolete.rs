//! Requests that ended badly or were superseded, and getting rid of them.

use std::convert::Infallible;
use std::future::pending;

use svid_client::ApiError;
use tokio::time::sleep;

use super::cleaner;
use super::context::Volume;
use crate::issuance::Failure;
use crate::volume::Record;
use svid_client::retry::Backoff;

/// The requests of a volume that its record names as obsolete.
pub(super) struct ObsoleteRequests {
    volume: Volume,
    /// Consecutive attempts before which one of them could not be deleted.
    undeleted: u32,
}

impl ObsoleteRequests {
    pub(super) fn of(volume: Volume) -> Self {
        let undeleted = 0;
        Self { volume, undeleted }
    }

    /// Deletes them all, then does nothing, forever.
    pub(super) async fn tidy(&self) -> Infallible {
        let context = &self.volume.context;
        let mut backoff = Backoff::default();
        while let Err(Undeleted { error, .. }) = self.delete().await {
            let wait = backoff.next(error.retry_after(), (context.chance)());
            tokio::select! {
                () = sleep(wait) => {}
                () = context.health.back(wait, (context.chance)()) => {}
            }
        }
        pending().await
    }

    /// Before a request is made, the old ones are deleted: a search for ours could find one that
    /// ended badly. If the API server keeps refusing only the deletes, renewing takes precedence.
    pub(super) async fn make_room(&mut self) -> Result<(), Failure> {
        let Err(Undeleted { name, error }) = self.delete().await else {
            self.undeleted = 0;
            return Ok(());
        };
        let is_away = matches!(error, ApiError::Unreachable(_) | ApiError::TimedOut(_));
        if is_away || self.undeleted < TRIES_TO_DELETE {
            self.undeleted += u32::from(!is_away);
            let attempted = format!("deleting {}", self.volume.request(&name));
            return Err(Failure::api(&attempted, &error));
        }
        tracing::warn!(volume = %self.volume.wish.volume, request = name, %error, "asking anew although an old request stays");
        self.volume.writer.amend(Record::trim).await;
        Ok(())
    }

    /// One call each, until one fails.
    async fn delete(&self) -> Result<(), Undeleted> {
        let (context, writer) = (&self.volume.context, &self.volume.writer);
        for name in writer.record().await.obsolete().iter().cloned() {
            match cleaner::delete(context, self.volume.namespace(), &name).await {
                Ok(()) => writer.amend(move |record| record.forget(&name)).await,
                Err(error) => return Err(Undeleted { name, error }),
            }
        }
        Ok(())
    }
}

/// A request that could not be deleted yet.
struct Undeleted {
    name: String,
    error: ApiError,
}

/// Consecutive attempts that wait for an old request to be deleted.
const TRIES_TO_DELETE: u32 = 3;
