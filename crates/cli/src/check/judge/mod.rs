//! From what was read to what is wrong.
//!
//! Owns the rules, a file for each group. Must not read anything: every function is pure, time
//! included. Invariant: a check that rests on one that failed is left out, so that one cause is
//! named once.

mod approver;
mod certmanager;
mod deciders;
mod driver;
mod issuer;
mod namespace;
mod nodes;
mod release;
mod requests;
mod roots;
mod server;
mod workloads;

use jiff::Timestamp;
use svid_core::policy::IssuerReference;

use super::catalogue::Check;
use super::outcome::{Findings, Outcome};
use super::rights::{MOST_NAMESPACES, using};
use super::snapshot::{Review, Snapshot, Version};

/// Judges everything that was read.
pub(crate) fn judge(seen: &Snapshot) -> Vec<Outcome> {
    let mut outcomes = vec![Findings::of(Check::ApiReachable).done()];
    outcomes.extend(server::judge(seen));
    outcomes.extend(certmanager::judge(seen));
    outcomes.extend(release::judge(seen));
    outcomes.extend(namespace::judge(seen));
    outcomes.extend(issuer::judge(seen));
    outcomes.extend(deciders::judge(seen));
    if !seen.is_before {
        outcomes.extend(driver::judge(seen));
        outcomes.extend(nodes::judge(seen));
        outcomes.extend(approver::judge(seen));
        outcomes.extend(roots::judge(seen));
        outcomes.extend(workloads::judge(seen));
        outcomes.extend(requests::judge(seen));
    }
    outcomes
}

/// One check, made at once.
fn judged(check: Check, make: impl FnOnce(&mut Findings)) -> Outcome {
    let mut findings = Findings::of(check);
    make(&mut findings);
    findings.done()
}

/// Notes every right that somebody lacks.
fn lacking<'a>(findings: &mut Findings, reviews: impl IntoIterator<Item = &'a Review>) {
    for Review { asked, allowed } in reviews {
        match allowed {
            Ok(true) => {}
            Ok(false) => {
                let who = match &asked.who {
                    Some(account) => account.to_string(),
                    None => "you".to_owned(),
                };
                findings.error(format!("{who} may not {asked}"));
            }
            Err(unseen) => findings.unseen(unseen),
        }
    }
}

/// Notes that a namespaced issuer is a signer in namespaces that nobody asked about.
fn unasked(findings: &mut Findings, seen: &Snapshot, issuer: &IssuerReference) {
    if issuer.kind != "Issuer" {
        return;
    }
    match &seen.pods {
        Ok(pods) => {
            let count = using(pods, &seen.driver).len();
            if count > MOST_NAMESPACES {
                let more = count - MOST_NAMESPACES;
                findings.partly(format!(
                    "not looked at: the signers of {more} more namespaces"
                ));
            }
        }
        Err(unseen) => findings.unseen(unseen),
    }
}

/// The minor version of Kubernetes, if it is known.
fn minor(seen: &Snapshot) -> Option<u32> {
    seen.version.as_ref().ok().and_then(Version::minor)
}

/// Seconds from a time to another; negative if it is still to come.
fn seconds(from: Timestamp, to: Timestamp) -> i64 {
    to.as_second().saturating_sub(from.as_second())
}

/// Minor version of Kubernetes (KEP-3488, KEP-4193).
const ADMISSION_POLICIES: u32 = 30;
/// How old something may be before it is said to wait. Doubled, `helm test` says nothing of pods
/// that have just failed; halved, pods that are being started are named.
const PATIENCE_SECONDS: i64 = 60;
