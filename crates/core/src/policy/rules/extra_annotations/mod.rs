//! Beside its identity a request has the administrator's annotations and no others.
//!
//! Stops: a valid request that means more to the issuer than to the approver. Some third-party
//! issuers act on a request's annotations: these select the profile, template or CA to use instead
//! of those in the issuer's specification, or another order whose certificate is returned
//! ([`steering`]). Omitting an annotation with which the administrator selects a profile is the
//! same attack. Allowed: exactly what the driver writes
//! (`--extra-certificate-request-annotations`), or wrote before a change, and what kubectl notes on
//! an object that it applies. Refused: any further key, another value, a missing key, parts of two
//! sets. If it is not configured what the driver writes, only the keys that issuers are known to
//! act on. Source: cert-manager/csi-driver-spiffe, which writes the annotations of that flag and
//! its identity; the sources of the issuers, at each key.

mod steering;

use std::collections::BTreeMap;

use super::{Rule, RuleResult, broken};
use crate::policy::request::{Annotations, ExtraAnnotations};
use crate::text::quote;

/// Compares whole keys and values. More annotations than were read are refused in any case: nobody
/// knows what they say.
pub(in crate::policy) fn check(found: &Annotations, expected: &ExtraAnnotations) -> RuleResult {
    match expected {
        ExtraAnnotations::Listed { current, former } => listed(found, current, former)?,
        ExtraAnnotations::Unlisted => unlisted(found)?,
    }
    if found.is_cut {
        let count = found.read.len();
        return broken(
            Rule::ExtraAnnotations,
            format!("there are more than {count} annotations besides the identity; remove them"),
        );
    }
    Ok(())
}

fn listed(
    found: &Annotations,
    current: &BTreeMap<String, String>,
    former: &[BTreeMap<String, String>],
) -> RuleResult {
    let found: BTreeMap<&str, Option<&str>> = found
        .read
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_deref()))
        .filter(|(key, _)| *key != LAST_APPLIED)
        .collect();
    let is_exactly = |set: &BTreeMap<String, String>| {
        found.len() == set.len()
            && set
                .iter()
                .all(|(key, value)| found.get(key.as_str()) == Some(&Some(value)))
    };
    if former.iter().any(is_exactly) {
        return Ok(());
    }
    match further(&found, current).or_else(|| different(&found, current)) {
        Some(text) => broken(Rule::ExtraAnnotations, text),
        None => Ok(()),
    }
}

/// An annotation that the current set does not have.
fn further(
    found: &BTreeMap<&str, Option<&str>>,
    current: &BTreeMap<String, String>,
) -> Option<String> {
    let key = found.keys().find(|key| !current.contains_key(**key))?;
    Some(format!(
        "the annotation {} is not one of those that requests for identities may have here; remove \
         it, or have the administrator list it for driver and approver",
        quote(key)
    ))
}

/// An annotation of the current set that is missing or says something else.
fn different(
    found: &BTreeMap<&str, Option<&str>>,
    current: &BTreeMap<String, String>,
) -> Option<String> {
    current.iter().find_map(|(key, wanted)| {
        let said = match found.get(key.as_str()) {
            Some(Some(value)) if *value == wanted => return None,
            Some(Some(value)) => format!(", not {}", quote(value)),
            Some(None) => ", not a longer text".to_owned(),
            None => "; it is missing".to_owned(),
        };
        let (key, wanted) = (quote(key), quote(wanted));
        Some(format!("the annotation {key} must be {wanted}{said}"))
    })
}

fn unlisted(found: &Annotations) -> RuleResult {
    let steering = found
        .read
        .keys()
        .find_map(|key| Some((key, steering::obeyed_by(key)?)));
    let Some((key, issuer)) = steering else {
        return Ok(());
    };
    let key = quote(key);
    broken(
        Rule::ExtraAnnotations,
        format!(
            "the annotation {key} tells the issuer ({issuer}) how to sign; remove it, or have the \
             administrator list it for driver and approver"
        ),
    )
}

/// What `kubectl apply` writes: the object as it was applied. No issuer reads it. Other tools that
/// annotate what they apply (Helm, Argo CD) do so in names of their own, which get no identities.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

#[cfg(test)]
mod tests {
    use super::*;

    const TEAM: (&str, &str) = ("example.com/team", "blue");
    const PROFILE: (&str, &str) = ("ejbca-issuer.keyfactor.com/certificateProfileName", "svid");

    fn set(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        entries.iter().map(owned).collect()
    }

    fn annotations(entries: &[(&str, &str)]) -> Annotations {
        let read = set(entries).into_iter();
        Annotations {
            read: read.map(|(key, value)| (key, Some(value))).collect(),
            is_cut: false,
        }
    }

    fn list(current: &[(&str, &str)], former: &[&[(&str, &str)]]) -> ExtraAnnotations {
        ExtraAnnotations::Listed {
            current: set(current),
            former: former.iter().map(|entries| set(entries)).collect(),
        }
    }

    fn told(found: &[(&str, &str)], expected: &ExtraAnnotations) -> String {
        let violation = check(&annotations(found), expected).unwrap_err();
        violation.text().to_owned()
    }

    #[test]
    fn allows_exactly_the_current_or_a_former_set() {
        let red = (TEAM.0, "red");
        let expected = list(&[TEAM, PROFILE], &[&[red], &[]]);
        for (found, is_allowed) in [
            (&[TEAM, PROFILE][..], true),
            (&[PROFILE, TEAM], true),
            (&[red], true),
            (&[], true),
            (&[TEAM], false),
            (&[PROFILE], false),
            (&[red, PROFILE], false),
            (&[TEAM, PROFILE, ("example.com/x", "y")], false),
            (&[(TEAM.0, ""), PROFILE], false),
            (&[(TEAM.0, "Blue"), PROFILE], false),
            (&[(TEAM.0, "blue "), PROFILE], false),
            (&[("Example.com/team", "blue"), PROFILE], false),
        ] {
            let verdict = check(&annotations(found), &expected);
            assert_eq!(verdict.is_ok(), is_allowed, "{found:?}: {verdict:?}");
        }
    }

    #[test]
    fn with_an_empty_list_there_are_no_others() {
        let none = list(&[], &[]);
        assert!(check(&annotations(&[]), &none).is_ok());
        for entry in [
            TEAM,
            PROFILE,
            ("a", ""),
            ("spiffe.csi.cert-manager.io/x", "y"),
        ] {
            assert!(check(&annotations(&[entry]), &none).is_err(), "{entry:?}");
        }
    }

    #[test]
    fn what_kubectl_writes_is_allowed_with_any_list_and_counts_for_nothing_else() {
        let mut found = annotations(&[TEAM]);
        found.read.insert(LAST_APPLIED.to_owned(), None);
        assert!(check(&found, &list(&[TEAM], &[])).is_ok());
        assert!(check(&found, &ExtraAnnotations::Unlisted).is_ok());
        assert!(check(&found, &list(&[], &[])).is_err());
    }

    #[test]
    fn a_denial_names_the_key_and_what_it_must_say() {
        let expected = list(&[TEAM], &[]);
        assert!(
            told(&[], &expected).contains("\"example.com/team\" must be \"blue\"; it is missing")
        );
        assert!(told(&[(TEAM.0, "red")], &expected).contains("must be \"blue\", not \"red\""));
        assert!(
            told(&[TEAM, PROFILE], &expected).contains(&format!("\"{}\" is not one of", PROFILE.0))
        );
        let violation = check(&annotations(&[PROFILE]), &ExtraAnnotations::Unlisted).unwrap_err();
        assert!(violation.text().contains(PROFILE.0) && violation.text().contains("EJBCA"));
        let mut long = annotations(&[]);
        long.read.insert(TEAM.0.to_owned(), None);
        let violation = check(&long, &expected).unwrap_err();
        assert!(violation.text().contains("a longer text"), "{violation:?}");
        let mixed = list(&[TEAM, PROFILE], &[&[(TEAM.0, "red"), ("a", "b")]]);
        let text = told(&[("a", "b"), TEAM, PROFILE], &mixed);
        assert!(text.contains("\"a\" is not one of"), "{text}");
    }

    #[test]
    fn a_denial_is_not_cut_by_the_longest_keys_and_values() {
        let long = "k".repeat(300);
        let current = list(&[(&long, &long)], &[]);
        for found in [&[(&*long, "v")][..], &[], &[("x", &long)]] {
            let text = told(found, &current);
            assert!(text.len() < 480, "{text}");
        }
    }

    #[test]
    fn more_than_was_read_is_refused_with_and_without_a_list() {
        let mut found = annotations(&[TEAM]);
        found.is_cut = true;
        for expected in [list(&[TEAM], &[]), ExtraAnnotations::Unlisted] {
            let violation = check(&found, &expected).unwrap_err();
            assert!(violation.text().contains("more than 1"), "{violation:?}");
        }
    }

    #[test]
    fn without_a_list_all_but_steering_keys_pass() {
        let found = annotations(&[TEAM, ("argocd.argoproj.io/tracking-id", "x"), ("a", "")]);
        assert!(check(&found, &ExtraAnnotations::Unlisted).is_ok());
        let found = annotations(&[TEAM, PROFILE]);
        assert!(check(&found, &ExtraAnnotations::Unlisted).is_err());
    }
}
