//! Requests that failed or were superseded, and their deletion.
//!
//! A create whose answer was lost may be carried out after its request was looked for and not
//! found, so such a request is looked for twice.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::pending;

use svid_client::ApiError;
use tokio::time::{Instant, sleep, sleep_until};

use super::cleaner::{self, Deletion, LANDED};
use super::context::Volume;
use crate::issuance::{Calls, Failure};
use crate::volume::Record;
use svid_client::retry::Backoff;

/// The requests of a volume that its record names as obsolete.
pub(super) struct ObsoleteRequests {
    volume: Volume,
    /// Consecutive attempts before which one of them could not be deleted.
    undeleted: u32,
    /// Those in doubt that were not there, and when each is looked for once more.
    again: BTreeMap<String, Instant>,
}

impl ObsoleteRequests {
    pub(super) fn of(volume: Volume) -> Self {
        Self {
            volume,
            undeleted: 0,
            again: BTreeMap::new(),
        }
    }

    /// Deletes them all, then does nothing, forever.
    pub(super) async fn tidy(&mut self) -> Infallible {
        let mut backoff = Backoff::default();
        loop {
            let deleted = self.delete().await;
            let context = &self.volume.context;
            let error = match deleted {
                Ok(None) => return pending().await,
                Ok(Some(next)) => {
                    backoff.reset();
                    sleep_until(next).await;
                    continue;
                }
                Err(Undeleted { error, .. }) => error,
            };
            let wait = backoff.next(error.retry_after(), (context.chance)());
            tokio::select! {
                () = sleep(wait) => {}
                () = context.health.back(Calls::Deletes, wait, (context.chance)()) => {}
            }
        }
    }

    /// Before a request is created, the old ones are deleted: a search for ours could find one that
    /// failed. If only the deletions keep being refused or left unanswered, renewal takes
    /// precedence. One in doubt is not waited for until it can be there.
    pub(super) async fn make_room(&mut self) -> Result<(), Failure> {
        let Err(Undeleted { name, error }) = self.delete().await else {
            self.undeleted = 0;
            return Ok(());
        };
        let is_away = matches!(error, ApiError::Unreachable(_));
        if is_away || self.undeleted < TRIES_TO_DELETE {
            self.undeleted += u32::from(!is_away);
            let attempted = format!("deleting {}", self.volume.request(&name));
            return Err(Failure::api(&attempted, Calls::Deletes, &error));
        }
        tracing::warn!(volume = %self.volume.spec.volume, request = name, %error, "requesting a new certificate although an old request could not be deleted");
        self.volume.writer.amend(Record::trim).await;
        Ok(())
    }

    /// One call each, until one fails. Returns when one in doubt is looked for once more.
    async fn delete(&mut self) -> Result<Option<Instant>, Undeleted> {
        let Self { volume, again, .. } = self;
        let record = volume.writer.record().await;
        again.retain(|name, _| record.obsolete().contains(name));
        for name in record.obsolete().iter().cloned() {
            let looked = again.get(&name).copied();
            if looked.is_some_and(|next| Instant::now() < next) {
                continue;
            }
            let deletion = cleaner::delete(&volume.context, volume.namespace(), &name).await;
            let is_absent = match deletion {
                Ok(deletion) => deletion == Deletion::Absent,
                Err(error) => return Err(Undeleted { name, error }),
            };
            if is_absent && looked.is_none() && record.is_doubtful(&name) {
                again.insert(name, Instant::now() + LANDED);
            } else {
                again.remove(&name);
                volume
                    .writer
                    .amend(move |record| record.forget(&name))
                    .await;
            }
        }
        Ok(again.values().min().copied())
    }
}

/// A request that could not be deleted yet.
struct Undeleted {
    name: String,
    error: ApiError,
}

/// Consecutive attempts that wait for an old request to be deleted.
const TRIES_TO_DELETE: u32 = 3;
