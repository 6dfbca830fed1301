//! Owns judging a driver's status, and selecting the requested part of it.
//!
//! Must not know how it is printed. Invariant: there is no problem if and only if `problems` is
//! empty.

use serde::Serialize;
use svid_node::driver::{
    IssuerStatus, KubeletRegistration, Overview, TrustBundleStatus, VolumeOverview,
};

use crate::args::PodName;
use crate::output::Verdict;

/// Whether a volume is one of a pod.
pub(crate) fn is_of(volume: &VolumeOverview, pod: &PodName) -> bool {
    volume.namespace.as_str() == pod.namespace && volume.pod.as_str() == pod.name
}

/// What the driver says, of the pods that were asked about.
#[derive(Debug, Serialize)]
pub(super) struct StatusReport {
    /// Why not all is well.
    pub(super) problems: Vec<String>,
    #[serde(flatten)]
    pub(super) overview: Overview,
}

impl StatusReport {
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
        KubeletRegistration::Registered | KubeletRegistration::Sidecar => {}
        KubeletRegistration::Unheard => {
            problems.push("the kubelet has not found the driver, so no pod can use it".to_owned());
        }
        KubeletRegistration::Refused { reason } => {
            problems.push(format!("the kubelet refused the registration: {reason}"));
        }
    }
    match &overview.issuer {
        IssuerStatus::Known { .. } => {}
        IssuerStatus::NotYetRead { reason } | IssuerStatus::Missing { reason } => {
            problems.push(format!("no issuer: {reason}"));
        }
    }
    match &overview.trust_bundle {
        TrustBundleStatus::NoSource
        | TrustBundleStatus::Read {
            newer_refused: None,
            ..
        } => {}
        TrustBundleStatus::Unreadable { reason } => {
            problems.push(format!("no trust bundle: {reason}"));
        }
        TrustBundleStatus::Read {
            newer_refused: Some(reason),
            ..
        } => problems.push(format!("the trust bundle in use is out of date: {reason}")),
    }
    match overview.volumes_without_certificate {
        0 => {}
        1 => problems.push("1 volume has no valid certificate".to_owned()),
        more => problems.push(format!("{more} volumes have no valid certificate")),
    }
    if let Some(pod) = pod.filter(|_| overview.volumes.is_empty()) {
        problems.push(format!("the driver has no volume of the pod {pod}"));
    }
    problems
}
