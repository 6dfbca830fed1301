//! The trust bundle: the authorities that workloads are to trust.
//!
//! Owns the file that the administrator named (`--source-ca-bundle`) and its changes. Knows nothing
//! of volumes; the code that shows the bundle to pods follows [`TrustState`]. Never takes roots
//! from an issuer's answer, which is not a trust root (`status.ca`). Invariant: once a valid bundle
//! has been read, there always is one; a broken or empty file is refused with an error in the log,
//! and the last valid bundle stays in use.

mod folders;
mod source;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use svid_core::svid::TrustBundle;

pub use source::{Refusals, TrustSource};

/// What is known of the trust bundle.
#[derive(Clone, Debug)]
pub enum TrustState {
    /// The administrator named no file; volumes have no bundle.
    NoSource,
    /// There has been no good bundle yet, for this reason. Volumes wait.
    Unreadable(String),
    /// The last good bundle.
    Bundle(Arc<TrustBundle>),
}
