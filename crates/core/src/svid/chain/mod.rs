//! The chain that an issuer returned, and whether it is the SVID that was asked for.
//!
//! Owns what is trusted of an issuer's answer, which is only what can be verified: SPIFFE
//! X509-SVID, sections 2 to 5, and the path building and rules of RFC 5280, section 6.1, and
//! RFC 4158. The same search answers verification, which stops at the first fault, and
//! [`examine`](super::examine), which reports all.
//!
//! | file | owns |
//! | --- | --- |
//! | `read` | from PEM to certificates |
//! | `leaf` | which one is the leaf, and its rules |
//! | `pool` | the certificates of which a path may be made |
//! | `signers` | who signed whom |
//! | `search` | the paths that there are |
//! | `path`, `policies` | the rules for a path |
//! | `found` | which path counts, what goes with it and what is missing |
//! | `window` | when it is valid |
//!
//! Invariants: [`X509Svid::verify`] is the only way to an [`X509Svid`]; the work for one chain is
//! bounded, whatever is in it.

mod error;
mod expectation;
pub(super) mod found;
pub(super) mod leaf;
mod path;
mod policies;
pub(super) mod pool;
pub(super) mod read;
mod search;
mod signers;
mod svid;
#[cfg(test)]
mod tests;
pub(super) mod window;

pub use error::{ChainError, PathPosition};
pub use expectation::Expectation;
pub use found::{EndsFirst, Gap};
pub use svid::{Anchoring, X509Svid};
pub use window::{StartOfValidity, Window};
