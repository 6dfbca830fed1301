//! The rules about the Pod that owns a request. Node-attested mode only.
//!
//! What they look at was read from the API server after every other rule had passed. Each looks at
//! one thing; `existence` goes first, since without it the others would describe another Pod.

pub(in crate::policy) mod existence;
pub(in crate::policy) mod identity;
pub(in crate::policy) mod mirror;
pub(in crate::policy) mod node;
pub(in crate::policy) mod phase;
pub(in crate::policy) mod volume;

use super::{Rule, RuleResult, broken};

/// A Pod that every rule allows.
#[cfg(test)]
fn right() -> crate::policy::PodEvidence {
    crate::policy::PodEvidence {
        namespace: "payments".to_owned(),
        name: "api-7".to_owned(),
        uid: "u".to_owned(),
        node: "node-1".to_owned(),
        service_account: "api".to_owned(),
        is_mirror: false,
        csi_drivers: vec!["spiffe.csi.cert-manager.io".to_owned()],
        phase: "Running".to_owned(),
    }
}
