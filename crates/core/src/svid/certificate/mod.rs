//! One certificate (RFC 5280, section 4), parsed once into owned values.
//!
//! Owns parsing the DER, but not what a certificate has to be: the rules are in `chain`, `bundle`
//! and `examine`. Invariant: the values come from exactly these bytes, with nothing after them.

mod extensions;
mod facts;
mod names;
mod policies;
mod sequence;

pub(super) use extensions::ExtensionFault;
pub(super) use facts::Certificate;
pub(super) use policies::{ANY_POLICY, Policies};
