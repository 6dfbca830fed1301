//! The request is not for a certificate authority.
//!
//! Stops: a workload that becomes an issuer of identities of its own choosing.
//! Allowed: `isCA: false`, or absent.
//! Refused: `isCA: true`. (A basicConstraints extension that says so is refused by the extensions
//! rule.)
//! Source: X509-SVID 4.1: a leaf must have `cA` false.

use super::{Rule, RuleResult, broken};

/// Looks at the object's field; issuers take it from there and not from the signing request.
pub(in crate::policy) fn check(is_ca: bool) -> RuleResult {
    if is_ca {
        return broken(Rule::CertificateAuthority, "isCA must be false");
    }
    Ok(())
}
