//! The Pod was made through the API, not by a kubelet.
//!
//! Stops: a stolen node that invents pods. A kubelet may create mirror Pods on its own node, in any
//! namespace and with inline CSI volumes, so a thief of its credentials would get identities of
//! namespaces that have never run a pod there.
//! Allowed: a Pod without the annotation `kubernetes.io/config.mirror`.
//! Refused: a Pod with it, whatever its value.
//! Source: `k8s.io/kubernetes/plugin/pkg/admission/noderestriction` (a node creates no Pods but
//! these; the annotation can neither be added nor removed later).

use super::{Rule, RuleResult, broken};
use crate::policy::evidence::PodEvidence;

/// Refuses what a kubelet has made.
pub(in crate::policy) fn check(pod: &PodEvidence) -> RuleResult {
    if pod.is_mirror {
        return broken(
            Rule::PodMirror,
            "the pod that the request is for is a static pod of its node, which has no service \
             account and no identity",
        );
    }
    Ok(())
}
