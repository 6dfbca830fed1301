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
    /// PEM of the authorities that the issuer named beside the chain; empty if there are none. They
    /// may join the path and are never its roots.
    pub candidates: &'a [u8],
    /// The roots, if the administrator named any; see [`super::X509Svid::anchoring`].
    pub trust_bundle: Option<&'a TrustBundle>,
}
