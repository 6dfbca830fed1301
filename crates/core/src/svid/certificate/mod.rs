//! One certificate (RFC 5280, section 4), read once into facts that own their memory.
//!
//! Owns the reading of DER, and nothing of what a certificate has to be: the rules are in
//! `chain`, `bundle` and `examine`. Invariant: the facts are of exactly these bytes, with nothing
//! after them.

mod extensions;
mod facts;
mod names;
mod policies;
mod sequence;

pub(super) use extensions::ExtensionFault;
pub(super) use facts::Certificate;
pub(super) use policies::{ANY_POLICY, Policies};
