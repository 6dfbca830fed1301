//! Owns the verdict on what a driver says, and what of it was asked for.
//!
//! Must not know how it is printed. Invariant: all is well if and only if `problems` is empty.

use serde::Serialize;
use svid_node::driver::{Issuer, Overview, Registration, TrustBundle, VolumeOverview};

use super::is_of;
use crate::args::PodName;
use crate::output::Verdict;

/// What the driver says, of the pods that were asked about.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Why not all is well.
    pub(super) problems: Vec<String>,
    #[serde(flatten)]
    pub(super) overview: Overview,
}

impl Report {
    /// Judges what a driver says of all pods, or of one.
    pub(super) fn new(mut overview: Overview, pod: Option<&PodName>) -> Self {
        if let Some(pod) = pod {
            overview.volumes.retain(|volume| is_of(volume, pod));
            let without = overview.volumes.iter().filter(|volume| !volume.valid);
            overview.volumes_without_certificate = without.count();
        }
        // Those that somebody is waiting for come first.
        overview.volumes.sort_by(|one, other| {
            let order = |volume: &VolumeOverview| {
                let names = [&volume.phase, &volume.namespace, &volume.pod];
                (volume.valid, names.map(Clone::clone))
            };
            order(one).cmp(&order(other))
        });
        Self {
            problems: problems(&overview, pod),
            overview,
        }
    }

    pub(super) fn verdict(&self) -> Verdict {
        if self.problems.is_empty() {
            Verdict::Good
        } else {
            Verdict::Bad
        }
    }
}

fn problems(overview: &Overview, pod: Option<&PodName>) -> Vec<String> {
    let mut problems = Vec::new();
    match &overview.registration {
        Registration::Registered | Registration::Sidecar => {}
        Registration::Unheard => {
            problems.push("the kubelet has not found the driver: no pod can use it".to_owned());
        }
        Registration::Refused { reason } => {
            problems.push(format!("the kubelet refused the registration: {reason}"));
        }
    }
    match &overview.issuer {
        Issuer::Known { .. } => {}
        Issuer::NotYetRead { reason } | Issuer::Missing { reason } => {
            problems.push(format!("no issuer: {reason}"));
        }
    }
    match &overview.trust_bundle {
        TrustBundle::NoSource
        | TrustBundle::Read {
            newer_refused: None,
            ..
        } => {}
        TrustBundle::Unreadable { reason } => {
            problems.push(format!("no trust bundle: {reason}"));
        }
        TrustBundle::Read {
            newer_refused: Some(reason),
            ..
        } => problems.push(format!("the trust bundle is an old one: {reason}")),
    }
    match overview.volumes_without_certificate {
        0 => {}
        1 => problems.push("1 volume shows no valid certificate".to_owned()),
        more => problems.push(format!("{more} volumes show no valid certificate")),
    }
    if let Some(pod) = pod.filter(|_| overview.volumes.is_empty()) {
        problems.push(format!("the driver has no volume of the pod {pod}"));
    }
    problems
}
