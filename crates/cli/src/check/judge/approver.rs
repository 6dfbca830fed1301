//! The approver: running, leading, with its rights.

use super::certmanager::unavailable;
use super::{judged, lacking, seconds, unasked};
use crate::check::catalogue::Check;
use crate::check::look::objects::{Deployment, Lease, time};
use crate::check::outcome::{Findings, Outcome};
use crate::check::snapshot::{Review, Snapshot};

pub(super) fn judge(seen: &Snapshot) -> Vec<Outcome> {
    let Ok(release) = &seen.release else {
        return Vec::new();
    };
    let Some(role) = release.approver.one() else {
        return Vec::new();
    };
    let mut available = Findings::of(Check::ApproverAvailable);
    judge_replicas(&mut available, &role.object);
    let is_available = available.is_good();
    let mut outcomes = vec![available.done()];
    if release.approver().is_none() {
        return outcomes;
    }
    if is_available {
        outcomes.push(judged(Check::ApproverLeads, |findings| match &seen.lease {
            Ok(Some(lease)) => judge_lease(findings, seen, lease),
            Ok(None) => findings.error(format!("there is no Lease {}", seen.driver)),
            Err(unseen) => findings.unseen(unseen),
        }));
    }
    outcomes.push(judged(Check::ApproverRights, |findings| {
        lacking(findings, &seen.rights.approver);
        judge_signer(findings, seen);
    }));
    outcomes
}

fn judge_replicas(findings: &mut Findings, object: &Deployment) {
    let place = object.metadata.place();
    let wanted = object.spec.replicas.unwrap_or(1);
    let available = object.status.available_replicas;
    if available < 1 {
        let why = unavailable(object);
        findings.error(format!(
            "{place}: 0 of {wanted} replicas are available: {why}"
        ));
    } else if available < wanted {
        findings.warning(format!(
            "{place}: {available} of {wanted} replicas are available"
        ));
    } else if wanted == 1 {
        findings.warning(format!(
            "{place}: with 1 replica pods wait while its node is replaced"
        ));
    }
}

fn judge_lease(findings: &mut Findings, seen: &Snapshot, lease: &Lease) {
    let (spec, place) = (&lease.spec, lease.metadata.place());
    if spec.holder_identity.beginning().is_empty() {
        return findings.error(format!("nobody holds the Lease {place}"));
    }
    let Some(renewed) = time(spec.renew_time.as_ref()) else {
        return findings.error(format!("the Lease {place} was never renewed"));
    };
    let age = seconds(renewed, seen.now);
    if age > spec.lease_duration_seconds.saturating_add(CLOCKS_SECONDS) {
        findings.error(format!(
            "{} holds the Lease {place} and has not renewed it for {age} s",
            spec.holder_identity.beginning()
        ));
    }
}

/// The wildcard is enough; without it each signer must be allowed.
fn judge_signer(findings: &mut Findings, seen: &Snapshot) {
    let is_wildcard = |review: &&Review| review.asked.name.ends_with("/*");
    let (wildcard, each): (Vec<_>, Vec<_>) = seen.rights.signer.iter().partition(is_wildcard);
    if wildcard.iter().any(|one| matches!(one.allowed, Ok(true))) {
        return;
    }
    // For an Issuer without any pods yet there is only the wildcard to ask for.
    lacking(findings, if each.is_empty() { wildcard } else { each });
    if let Some(issuer) = &seen.issuance.issuer {
        unasked(findings, seen, issuer);
    }
}

/// How much the clocks of this machine and of the leader's may differ.
const CLOCKS_SECONDS: i64 = 30;
