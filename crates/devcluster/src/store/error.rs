//! Why the store did not do as asked.

use super::Key;

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum StoreError {
    #[error("{0} not found")]
    NotFound(Key),
    /// An object of that name is there.
    #[error("{0} already exists")]
    AlreadyExists(Key),
    /// The changes since the revision asked for are no longer held.
    #[error("the changes before revision {oldest} have been compacted")]
    Compacted {
        /// The oldest revision that a watch can start after.
        oldest: u64,
    },
    /// The revision asked for has not happened yet.
    #[error("revision {asked} is ahead of the present one, {present}")]
    Future { asked: u64, present: u64 },
}

impl From<u64> for StoreError {
    fn from(oldest: u64) -> Self {
        Self::Compacted { oldest }
    }
}
