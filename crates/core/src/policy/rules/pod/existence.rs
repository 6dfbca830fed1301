//! The Pod that owns the request is there.
//!
//! Stops: a driver's token that is used for a pod that never existed or no longer exists: an
//! identity without a workload. Allowed: the Pod of this namespace, name and UID. Refused: no Pod
//! of this name; one of the same name with another UID, which is a later one. Source: Kubernetes
//! "Object Names and IDs": no two objects ever have the same UID.

use super::{Rule, broken};
use crate::policy::decision::Violation;
use crate::policy::evidence::{PodEvidence, PodReference};
use crate::text::quote;

/// Returns the Pod that was found, if it is the one that was asked for.
pub(in crate::policy) fn check<'a>(
    asked: &PodReference,
    found: Option<&'a PodEvidence>,
) -> Result<&'a PodEvidence, Violation> {
    let name = format!("{}/{}", asked.namespace, asked.name);
    let (name, uid) = (quote(name), quote(&asked.uid));
    let Some(pod) = found else {
        return broken(
            Rule::PodExistence,
            format!("the pod {name} that the request is for does not exist"),
        );
    };
    if pod.namespace != asked.namespace || pod.name != asked.name || pod.uid != asked.uid {
        return broken(
            Rule::PodExistence,
            format!(
                "the pod {name} that the request is for no longer exists: its UID was {uid}, and \
                 the pod that now has its name has another"
            ),
        );
    }
    Ok(pod)
}
