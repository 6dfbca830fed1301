//! The subject is empty.
//!
//! Stops: a second identity in the certificate. Issuers copy the subject unchanged, and servers
//! that use CN, O or OU (Kubernetes itself reads O as a group) would trust it. Allowed: an empty
//! sequence. Refused: `CN=admin`, `O=system:masters`, one empty RDN. Source: X509-SVID section 2:
//! the URI name is the identity; the Go driver refuses the common name only.

use super::{Rule, RuleResult, broken};
use crate::policy::csr::Csr;
use crate::text::quote;

/// Compares the subject's DER with that of an empty RDNSequence.
pub(in crate::policy) fn check(csr: &Csr<'_>) -> RuleResult {
    if csr.subject_der() == EMPTY {
        return Ok(());
    }
    let subject = quote(csr.subject_text());
    broken(
        Rule::Subject,
        format!("the CSR's subject must be empty, not {subject}"),
    )
}

/// `SEQUENCE {}`.
pub(in crate::policy) const EMPTY: &[u8] = &[0x30, 0x00];
