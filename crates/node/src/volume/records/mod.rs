//! The records: what must be known of a volume after a restart.
//!
//! Owns the folder `volumes` below the driver's folder, one file per volume, and the state changes
//! of a volume's requests in it. Knows nothing of mounts. Invariant: a record is on the disk whole
//! or not at all, it holds neither key nor token, and one that cannot be understood never stops the
//! others.

mod format;
mod record;
mod store;
#[cfg(test)]
mod tests;

pub use record::Record;
pub(super) use store::{RecordStore, hash, is_pod_gone};
