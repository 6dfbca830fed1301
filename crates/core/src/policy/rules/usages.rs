//! The key usages are exactly those of an SVID.
//!
//! Stops: a certificate that may sign others' data or certificates (`cert sign`, `code signing`),
//! or any purpose at all (`any`), made with the help of a SPIFFE issuer.
//! Allowed: `["client auth", "key encipherment", "server auth", "digital signature"]`.
//! Refused: the same with `cert sign` added, or with `digital signature` twice, or
//! `signing` in place of `digital signature`.
//! Source: X509-SVID 4.3 and 4.4; the names are cert-manager's `KeyUsage` constants.

use super::{Rule, RuleResult, broken};
use crate::text::quote;

/// Compares as a set, but counts: nothing missing, nothing else, nothing twice.
pub(in crate::policy) fn check(usages: Option<&[String]>) -> RuleResult {
    let Some(usages) = usages else {
        return broken(
            Rule::Usages,
            format!("usages must be set to exactly {WANTED}"),
        );
    };
    let unknown = usages
        .iter()
        .find(|usage| !USAGES.contains(&usage.as_str()));
    if let Some(unknown) = unknown {
        let unknown = quote(unknown);
        return broken(
            Rule::Usages,
            format!("usages must be exactly {WANTED}, without {unknown}"),
        );
    }
    for wanted in USAGES {
        match usages.iter().filter(|usage| *usage == wanted).count() {
            0 => {
                return broken(
                    Rule::Usages,
                    format!("usages must be exactly {WANTED}; {wanted} is missing"),
                );
            }
            1 => {}
            _ => {
                return broken(
                    Rule::Usages,
                    format!("usages must be exactly {WANTED}; {wanted} appears twice"),
                );
            }
        }
    }
    Ok(())
}

/// What the driver asks for, and all that an SVID needs.
const USAGES: [&str; 4] = [
    "digital signature",
    "key encipherment",
    "server auth",
    "client auth",
];
const WANTED: &str = "digital signature, key encipherment, server auth, client auth";
