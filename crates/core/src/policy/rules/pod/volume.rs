//! The Pod has a volume of our driver.
//!
//! Stops: a node that collects the identities of all pods on it, of which most never asked for one.
//! Allowed: a Pod with an inline volume, `csi.driver: spiffe.csi.cert-manager.io`.
//! Refused: a Pod without volumes, or with those of other drivers.
//! Source: Kubernetes `CSIVolumeSource`; the driver serves inline volumes only. The volumes of a
//! Pod are written by its author and never change.

use super::{Rule, Verdict, broken};
use crate::policy::evidence::Pod;

/// Looks for the driver's name among those of the Pod's inline volumes.
pub(in crate::policy) fn check(csi_driver: &str, pod: &Pod) -> Verdict {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::rules::pod::right;

    #[test]
    fn allows_pods_with_a_volume_of_ours_only() {
        let ours = "spiffe.csi.cert-manager.io";
        for (drivers, allowed) in [
            (vec![ours], true),
            (vec!["csi.cert-manager.io", ours], true),
            (vec![ours, ours], true),
            (vec![], false),
            (vec!["csi.cert-manager.io"], false),
            (vec!["spiffe.csi.cert-manager.io.example.org"], false),
            (vec!["SPIFFE.csi.cert-manager.io"], false),
            (vec![""], false),
        ] {
            let mut pod = right();
            pod.csi_drivers = drivers.iter().map(|&one| one.to_owned()).collect();
            assert_eq!(check(ours, &pod).is_ok(), allowed, "{drivers:?}");
        }
    }
}
