//! The name is in our trust domain.
//!
//! Stops: an issuer of one trust domain that vouches for the workloads of another; a party that
//! trusts both would accept it. Allowed: `spiffe://cluster.local/...` where `cluster.local` is
//! enforced. Refused: `spiffe://example.org/...`, `spiffe://Cluster.Local/...`,
//! `spiffe://cluster.local:443/...`, `spiffe://user@cluster.local/...`. Source: SPIFFE-ID 2.1
//! (lower case; no port, no user).

use super::{Rule, RuleResult, broken};
use crate::identity::TrustDomain;
use crate::policy::csr::{Csr, NameKind};
use crate::text::quote;

/// Looks at every SPIFFE name there is. Names of another scheme are refused by other rules.
pub(in crate::policy) fn check(csr: &Csr<'_>, ours: &TrustDomain) -> RuleResult {
    let names = csr
        .alternative_names()
        .flat_map(|found| found.names.unwrap_or_default());
    for name in names.filter(|name| name.kind == NameKind::Uri) {
        let Some(authority) = authority(name.bytes) else {
            continue;
        };
        if authority != ours.as_str().as_bytes() {
            let (authority, ours) = (quote(authority), quote(ours.as_str()));
            return broken(
                Rule::TrustDomain,
                format!("the URI name's trust domain {authority} must be {ours}"),
            );
        }
    }
    Ok(())
}

/// What stands between `spiffe://`, in any case, and the next delimiter.
fn authority(uri: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = uri.split_at_checked(SCHEME.len())?;
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return None;
    }
    rest.split(|byte| matches!(byte, b'/' | b'?' | b'#')).next()
}

const SCHEME: &[u8] = b"spiffe://";
