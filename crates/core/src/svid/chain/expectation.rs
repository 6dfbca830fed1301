//! What a chain is checked against.

use super::super::{PublicKey, TrustBundle};
use crate::identity::SpiffeId;

/// What was asked for, and so what a chain has to be.
#[derive(Clone, Copy, Debug)]
pub struct Expectation<'a> {
    /// The identity, compared byte for byte.
    pub spiffe_id: &'a SpiffeId,
    /// The key that the request was signed with.
    pub public_key: &'a PublicKey,
    /// The roots, if the administrator named any; see [`super::X509Svid::anchoring`].
    pub trust_bundle: Option<&'a TrustBundle>,
}
