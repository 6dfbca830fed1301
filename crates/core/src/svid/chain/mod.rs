//! The chain that an issuer returned, and whether it is the SVID that was asked for.
//!
//! Owns what is trusted from an issuer, which is only what can be checked: SPIFFE X509-SVID,
//! sections 2 to 5, and the path rules of RFC 5280, section 6.1, as far as they concern URIs. The
//! rules are kept apart by what they look at: `leaf`, `path`, `window` and `anchor`. Each says
//! everything that is wrong, so that [`examine`](super::examine) can report it all; verification
//! stops at the first.
//!
//! Invariant: [`X509Svid::verify`] is the only way to an [`X509Svid`].

pub(super) mod anchor;
mod error;
mod expectation;
pub(super) mod leaf;
pub(super) mod path;
pub(super) mod read;
mod svid;
pub(super) mod window;

pub use anchor::Anchoring;
pub use error::ChainError;
pub use expectation::Expectation;
pub use svid::X509Svid;
pub use window::{Readiness, Window};
