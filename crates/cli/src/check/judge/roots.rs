//! The roots: there, good for a while, and those of the issuer.

use jiff::{SignedDuration, Timestamp};
use svid_api::certmanager::EncodedBytes;
use svid_core::svid::TrustBundle;
use svid_core::svid::examine::{Files, authorities, examine};

use super::judged;
use crate::check::catalogue::Check;
use crate::check::look::Source;
use crate::check::outcome::{Findings, Outcome};
use crate::check::release::Release;
use crate::check::snapshot::{Roots, Snapshot};

pub(super) fn judge(seen: &Snapshot) -> Vec<Outcome> {
    let driver = seen.release.as_ref().ok().and_then(Release::driver);
    if driver.is_none() {
        return Vec::new();
    }
    let mut there = Findings::of(Check::RootsThere);
    let pem = find(&mut there, seen);
    let mut outcomes = vec![there.done()];
    let Some(pem) = pem else {
        return outcomes;
    };
    let mut good = Findings::of(Check::RootsGood);
    let bundle = TrustBundle::parse_pem(pem.as_bytes());
    match &bundle {
        Ok(bundle) => judge_dates(&mut good, bundle, seen.now),
        Err(error) => good.error(error.to_string()),
    }
    outcomes.push(good.done());
    if bundle.is_ok() {
        outcomes.push(judged(Check::RootsLead, |findings| {
            judge_lead(findings, seen, pem);
        }));
    }
    outcomes
}

/// The roots as PEM, if the driver has them.
fn find<'a>(findings: &mut Findings, seen: &'a Snapshot) -> Option<&'a str> {
    let Some(Roots {
        file,
        source,
        found,
    }) = &seen.roots
    else {
        findings.warning("no --source-ca-bundle: pods get no ca.crt");
        return None;
    };
    match source {
        Source::Nowhere => findings.error(format!("no volume of the driver has {file}")),
        Source::SubPath => findings.error(format!(
            "{file} is mounted by subPath: the driver never sees it change"
        )),
        Source::Projected => findings.partly(format!(
            "not looked at: {file} is from a projected volume, which is not followed"
        )),
        Source::Elsewhere => findings.skipped(format!("{file} is from no ConfigMap")),
        Source::ConfigMap { name, key } => match found {
            Ok(Some(map)) => match map.data.get(key) {
                Some(pem) => return Some(pem),
                None if map.binary_data.contains_key(key) => findings.partly(format!(
                    "not looked at: {key} is in the binaryData of the ConfigMap {name}"
                )),
                None => findings.error(format!("the ConfigMap {name} has no key {key}")),
            },
            Ok(None) => findings.error(format!("there is no ConfigMap {name}")),
            Err(unseen) => findings.unseen(unseen),
        },
    }
    None
}

fn judge_dates(findings: &mut Findings, bundle: &TrustBundle, now: Timestamp) {
    let roots = authorities(bundle);
    let soon = now.saturating_add(SOON).unwrap_or(now);
    let is_over = roots.iter().all(|root| root.not_after <= now);
    for root in &roots {
        let (subject, end) = (&root.subject, root.not_after);
        if is_over {
            findings.error(format!("{subject} ended on {end}, and no other is left"));
        } else if end <= now {
            findings.warning(format!("{subject} ended on {end}"));
        } else if end <= soon {
            findings.warning(format!("{subject} ends on {end}"));
        }
    }
}

/// Looks whether certificates that the issuer signed lead to the roots; those that are over do not
/// matter.
fn judge_lead(findings: &mut Findings, seen: &Snapshot, pem: &str) {
    let requests = match &seen.requests {
        Ok(requests) => requests,
        Err(unseen) => return findings.unseen(unseen),
    };
    let mut looked_at = 0;
    for request in requests {
        let Some(Ok(chain)) = request
            .status
            .certificate
            .as_ref()
            .map(EncodedBytes::decode)
        else {
            continue;
        };
        let files = Files {
            chain_pem: &chain,
            key_pem: None,
            bundle_pem: Some(pem.as_bytes()),
        };
        let examination = examine(&files, seen.now);
        if examination.not_after.is_none_or(|end| end <= seen.now) {
            continue;
        }
        looked_at += 1;
        if examination.anchored == Some(false) {
            let (place, issuer) = (request.metadata.place(), examination.issuer);
            findings.error(format!(
                "the certificate of {place}, signed by {issuer}, leads to none of the roots"
            ));
        }
    }
    if looked_at == 0 {
        findings.skipped("the issuer has signed nothing yet that could be looked at");
    }
}

/// Time enough to rotate a CA without haste.
const SOON: SignedDuration = SignedDuration::from_hours(60 * 24);
