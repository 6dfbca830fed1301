//! Requests for our issuer that nobody has decided on.

use std::collections::BTreeSet;

use super::{PATIENCE_SECONDS, judged, seconds};
use crate::check::catalogue::Check;
use crate::check::look::objects::{CertificateRequest, time};
use crate::check::outcome::{Findings, Outcome};
use crate::check::snapshot::Snapshot;

pub(super) fn judge(seen: &Snapshot) -> Option<Outcome> {
    seen.issuance.issuer.as_ref()?;
    Some(judged(Check::RequestsUndecided, |findings| {
        let (requests, pods) = match (&seen.requests, &seen.pods) {
            (Ok(requests), Ok(pods)) => (requests, pods),
            (Err(unseen), _) | (_, Err(unseen)) => return findings.unseen(unseen),
        };
        let users = pods
            .iter()
            .filter(|pod| pod.volumes_of(&seen.driver).next().is_some());
        let users: BTreeSet<&str> = users.map(|pod| pod.metadata.uid.as_str()).collect();
        for request in requests.iter().filter(|one| waits(one, seen)) {
            judge_request(findings, request, &users);
        }
    }))
}

fn waits(request: &CertificateRequest, seen: &Snapshot) -> bool {
    let created = time(request.metadata.creation_timestamp.as_ref());
    let age = created.map_or(0, |created| seconds(created, seen.now));
    !request.is_decided() && age > PATIENCE_SECONDS
}

/// A request of the driver waits for our approver; any other waits to be approved by somebody else
/// as soon as the admission policies go. `users`: the UIDs of pods with our volumes.
fn judge_request(findings: &mut Findings, request: &CertificateRequest, users: &BTreeSet<&str>) {
    let place = request.metadata.place();
    let is_for_pod = request.metadata.owners().any(|uid| users.contains(uid));
    if request.metadata.annotations.identity.is_some() && is_for_pod {
        findings.error(format!(
            "nobody decides on {place}, which our driver made for a pod"
        ));
    } else {
        findings.warning(format!("{place} is for our issuer, and not of our driver"));
    }
}
