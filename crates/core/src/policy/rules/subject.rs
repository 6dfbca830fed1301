//! The subject is empty.
//!
//! Stops: a second identity in the certificate. Issuers copy the subject as it is, and servers
//! that read CN, O or OU (Kubernetes itself reads O as group) would believe it.
//! Allowed: an empty sequence.
//! Refused: `CN=admin`, `O=system:masters`, one empty RDN.
//! Source: X509-SVID section 2: the URI name is the identity; the Go driver refuses the common
//! name only.

use super::{Rule, Verdict, broken};
use crate::policy::csr::Csr;
use crate::policy::quote::quote;

/// Compares the subject's DER with that of an empty RDNSequence.
pub(in crate::policy) fn check(csr: &Csr<'_>) -> Verdict {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::corpus::{Craft, name, rdn};

    #[test]
    fn allows_an_empty_sequence_only() {
        let table = [
            ("empty", name(&[]), true),
            ("common name", name(&[rdn(&[("2.5.4.3", "admin")])]), false),
            ("empty common name", name(&[rdn(&[("2.5.4.3", "")])]), false),
            (
                "organisation",
                name(&[rdn(&[("2.5.4.10", "system:masters")])]),
                false,
            ),
            (
                "organisational unit",
                name(&[rdn(&[("2.5.4.11", "ops")])]),
                false,
            ),
            ("country", name(&[rdn(&[("2.5.4.6", "NL")])]), false),
            ("serial number", name(&[rdn(&[("2.5.4.5", "1")])]), false),
            (
                "email",
                name(&[rdn(&[("1.2.840.113549.1.9.1", "a@b")])]),
                false,
            ),
            (
                "domain component",
                name(&[rdn(&[("0.9.2342.19200300.100.1.25", "b")])]),
                false,
            ),
            ("unknown type", name(&[rdn(&[("1.2.3.4", "x")])]), false),
            (
                "multi-valued",
                name(&[rdn(&[("2.5.4.3", "a"), ("2.5.4.10", "b")])]),
                false,
            ),
            (
                "two names",
                name(&[rdn(&[("2.5.4.3", "a")]), rdn(&[("2.5.4.3", "b")])]),
                false,
            ),
        ];
        for (what, subject, allowed) in table {
            let der = Craft::new().subject(subject).der();
            let csr = Csr::parse(&der).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(check(&csr).is_ok(), allowed, "{what}");
        }
    }
}
