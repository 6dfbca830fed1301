//! The Pod has not ended.
//!
//! Stops: identities for pods whose containers will never run again; their objects may remain for
//! days.
//! Allowed: a Pod that is Pending or Running; also one that is being deleted, which still works
//! until its containers have ended, and may have to renew meanwhile.
//! Refused: a Pod that has Succeeded or Failed.
//! Source: Kubernetes "Pod Lifecycle": these two phases are final.

use super::{Rule, RuleResult, broken};
use crate::policy::evidence::PodEvidence;

/// Looks for a final phase.
pub(in crate::policy) fn check(pod: &PodEvidence) -> RuleResult {
    match FINAL.iter().find(|phase| **phase == pod.phase) {
        None => Ok(()),
        Some(phase) => broken(
            Rule::PodPhase,
            format!("the pod that the request is for has ended: its phase is {phase}"),
        ),
    }
}

const FINAL: [&str; 2] = ["Succeeded", "Failed"];
