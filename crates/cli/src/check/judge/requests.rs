//! Requests for our issuer that nobody has decided on.

use super::{PATIENCE_SECONDS, judged, seconds};
use crate::check::catalogue::Check;
use crate::check::look::objects::{CertificateRequest, time};
use crate::check::outcome::{Findings, Outcome};
use crate::check::snapshot::Snapshot;

pub(super) fn judge(seen: &Snapshot) -> Option<Outcome> {
    seen.issuance.issuer.as_ref()?;
    Some(judged(Check::RequestsUndecided, |findings| {
        match &seen.requests {
            Ok(requests) => {
                if let Err(unseen) = &seen.pods {
                    return findings.unseen(unseen);
                }
                for request in requests.iter().filter(|one| waits(one, seen)) {
                    judge_request(findings, request, seen);
                }
            }
            Err(unseen) => findings.unseen(unseen),
        }
    }))
}

fn waits(request: &CertificateRequest, seen: &Snapshot) -> bool {
    let created = time(request.metadata.creation_timestamp.as_ref());
    let age = created.map_or(0, |created| seconds(created, seen.now));
    !request.is_decided() && age > PATIENCE_SECONDS
}

/// A request of the driver waits for our approver; any other waits to be approved by somebody else
/// as soon as the admission policies go.
fn judge_request(findings: &mut Findings, request: &CertificateRequest, seen: &Snapshot) {
    let place = request.metadata.place();
    let pods = seen.pods.iter().flatten();
    let mut users = pods.filter(|pod| pod.volumes_of(&seen.driver).next().is_some());
    let is_for_pod = users.any(|pod| request.metadata.is_owned_by(&pod.metadata.uid));
    if request.metadata.annotations.identity.is_some() && is_for_pod {
        findings.error(format!(
            "nobody decides on {place}, which our driver made for a pod"
        ));
    } else {
        findings.warning(format!("{place} is for our issuer, and not of our driver"));
    }
}
