//! The requester is the driver. Node-attested mode only.
//!
//! Stops: any other account with permission to create requests that names somebody else's Pod in
//! one. The rules about node and Pod prove something only if the requester learned the volume's pod
//! from the kubelet. Allowed: `system:serviceaccount:cert-manager:csi-driver-spiffe` where that is
//! the driver's. Refused: the pod's own account; the same name in another namespace. Source:
//! Kubernetes `k8s.io/apiserver/pkg/authentication/serviceaccount` (user name format);
//! cert-manager's webhook writes the requester's user name into the request.

use super::{Rule, RuleResult, broken};
use crate::identity::ServiceAccount;
use crate::text::quote;

/// Compares the bytes of the user name.
pub(in crate::policy) fn check(username: &str, driver: &ServiceAccount) -> RuleResult {
    if username == driver.username() {
        return Ok(());
    }
    let (found, driver) = (quote(username), driver.username());
    broken(
        Rule::Driver,
        format!(
            "the requester {found} must be the CSI driver, {driver}: this approver accepts \
             requests from nobody else (--use-own-service-account)"
        ),
    )
}
