//! Whether a chain leads to trusted roots.

use jiff::Timestamp;

use super::super::TrustBundle;
use super::super::certificate::Certificate;
use super::path;

/// Whether a chain leads to the trust bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchoring {
    /// A certificate of the bundle signed one of the chain.
    Anchored,
    /// None did, so relying parties with this bundle refuse the chain.
    NotAnchored,
    /// No bundle to compare with.
    NoBundle,
}

/// Looks for a way from the chain, whose links hold, into the bundle.
///
/// The last certificate is not the only place to leave the chain: the bundle may have a certificate
/// of its own for any of the authorities in it. An authority of the bundle counts only while it is
/// valid and only as far as its own limits reach, since relying parties look at that as well.
pub(in crate::svid) fn anchoring(
    chain: &[Certificate],
    bundle: Option<&TrustBundle>,
    now: Timestamp,
) -> Anchoring {
    let Some(bundle) = bundle else {
        return Anchoring::NoBundle;
    };
    let Some(leaf) = chain.first() else {
        return Anchoring::NotAnchored;
    };
    let mut roots = bundle
        .authorities()
        .iter()
        .filter(|root| is_valid(root, now));
    let anchored = roots.any(|root| {
        // A root that is in the chain itself signed the certificate below it, like any other.
        chain.iter().enumerate().any(|(position, member)| {
            // Above this member stands the root, below it the authorities up to here.
            member.issuer == root.subject
                && path::exceeds(root, path::below(chain, position + 1)).is_none()
                && path::permits(root, leaf)
                && member.verify_signature(root).is_ok()
        })
    });
    if anchored {
        Anchoring::Anchored
    } else {
        Anchoring::NotAnchored
    }
}

fn is_valid(root: &Certificate, now: Timestamp) -> bool {
    root.not_before <= now && now <= root.not_after
}
