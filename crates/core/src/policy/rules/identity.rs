//! The name is the SPIFFE ID of whoever asks.
//!
//! Stops: the one thing an approver is for: a workload that asks for another's identity.
//! Allowed: `spiffe://cluster.local/ns/payments/sa/api`, asked for by service account `api` in
//! `payments`.
//! Refused: any other text, also where some reader would take it for the same: another letter
//! case, a trailing slash, `%61` for `a`, a dot segment, a port, a query, a NUL at the end.
//! Source: SPIFFE-ID 2 (never normalise); the path's form is the Go driver's,
//! `/ns/NAMESPACE/sa/NAME`.

use super::{Rule, Verdict, broken};
use crate::identity::SpiffeId;
use crate::policy::csr::Csr;
use crate::policy::quote::quote;

/// Builds nothing from the request: the expected text comes from the requester alone, and the
/// raw bytes of the name must equal it.
pub(in crate::policy) fn check(csr: &Csr<'_>, expected: &SpiffeId) -> Verdict {
    match csr.one_uri() {
        Some(uri) if uri == expected.as_str().as_bytes() => Ok(()),
        Some(uri) => {
            let (uri, expected) = (quote(uri), quote(expected.as_str()));
            broken(
                Rule::Identity,
                format!("the CSR's URI name {uri} must be the requester's SPIFFE ID {expected}"),
            )
        }
        None => {
            let expected = quote(expected.as_str());
            broken(
                Rule::Identity,
                format!("the CSR's only name must be the requester's SPIFFE ID {expected}"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::corpus::{Craft, RIGHT_ID, general_name, san, wrong_uris};

    fn verdict(uri: &[u8]) -> Verdict {
        let der = Craft::new()
            .extensions(&[san(true, &[general_name(0x86, uri)])])
            .der();
        check(
            &Csr::parse(&der).unwrap(),
            &SpiffeId::parse(RIGHT_ID).unwrap(),
        )
    }

    #[test]
    fn allows_the_expected_bytes_only() {
        assert_eq!(verdict(RIGHT_ID.as_bytes()), Ok(()));
        for (what, uri) in wrong_uris() {
            assert!(verdict(&uri).is_err(), "{what}");
        }
    }

    #[test]
    fn a_request_without_a_single_uri_is_told_what_to_ask_for() {
        let der = Craft::new().extensions(&[]).der();
        let expected = SpiffeId::parse(RIGHT_ID).unwrap();
        let violation = check(&Csr::parse(&der).unwrap(), &expected).unwrap_err();
        assert!(violation.text().contains(RIGHT_ID));
    }
}
