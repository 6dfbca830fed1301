//! The Pod has a volume of our driver.
//!
//! Stops: a node that collects the identities of all pods on it, of which most never asked for one.
//! Allowed: a Pod with an inline volume, `csi.driver: spiffe.csi.cert-manager.io`.
//! Refused: a Pod without volumes, or with those of other drivers.
//! Source: Kubernetes `CSIVolumeSource`; the driver serves inline volumes only. The volumes of a
//! Pod are written by its author and never change.

use super::{Rule, RuleResult, broken};
use crate::policy::evidence::PodEvidence;

/// Looks for the driver's name among those of the Pod's inline volumes.
pub(in crate::policy) fn check(csi_driver: &str, pod: &PodEvidence) -> RuleResult {
    if pod.csi_drivers.iter().any(|driver| driver == csi_driver) {
        return Ok(());
    }
    broken(
        Rule::PodVolume,
        format!(
            "the pod that the request is for has no inline volume of the CSI driver {csi_driver}"
        ),
    )
}
