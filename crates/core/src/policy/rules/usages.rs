//! The key usages are exactly those of an SVID.
//!
//! Stops: a certificate that may sign others' data or certificates (`cert sign`, `code signing`),
//! or any purpose at all (`any`), made with the help of a SPIFFE issuer.
//! Allowed: `["client auth", "key encipherment", "server auth", "digital signature"]`.
//! Refused: the same with `cert sign` added, or with `digital signature` twice, or
//! `signing` in place of `digital signature`.
//! Source: X509-SVID 4.3 and 4.4; the names are cert-manager's `KeyUsage` constants.

use super::{Rule, Verdict, broken};
use crate::text::quote;

/// Compares as a set, but counts: nothing missing, nothing else, nothing twice.
pub(in crate::policy) fn check(usages: Option<&[String]>) -> Verdict {
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
                    format!("usages must be exactly {WANTED}; {wanted} is there twice"),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(usages: &[&str]) -> bool {
        let usages: Vec<String> = usages.iter().map(ToString::to_string).collect();
        check(Some(&usages)).is_ok()
    }

    #[test]
    fn allows_the_four_in_every_order() {
        let orders: Vec<[usize; 4]> = (0..256)
            .map(|code| [code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6])
            .filter(|order| (0..4).all(|wanted| order.contains(&wanted)))
            .collect();
        assert_eq!(orders.len(), 24);
        for order in orders {
            assert!(allows(&order.map(|at| USAGES[at])), "{order:?}");
        }
    }

    #[test]
    fn refuses_every_other_list() {
        let [ds, ke, sa, ca] = USAGES;
        assert!(check(None).is_err(), "absent");
        for usages in [
            &[][..],
            &[ds, ke, sa],
            &[ds, ke, ca],
            &[ds, sa, ca],
            &[ke, sa, ca],
            &[ds, ke, sa, ca, "cert sign"],
            &[ds, ke, sa, ca, "any"],
            &[ds, ke, sa, ca, ds],
            &[ds, ds, sa, ca],
            &["signing", ke, sa, ca],
            &[ds, ke, sa, ca, "signing"],
            &["Digital Signature", ke, sa, ca],
            &["digital  signature", ke, sa, ca],
            &[" digital signature", ke, sa, ca],
            &["", ds, ke, sa, ca],
        ] {
            assert!(!allows(usages), "{usages:?}");
        }
    }
}
