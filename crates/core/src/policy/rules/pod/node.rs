//! The Pod is on the node that the request is made from.
//!
//! Stops: the token of one node's driver, stolen there, that asks for the identities of pods on all
//! other nodes. With this rule a node can obtain the identities of its own pods, and no others.
//! Allowed: a Pod on `node-1`, asked for with the token of the driver on `node-1`. Refused: the
//! same Pod, asked for from `node-2`; a Pod that is on no node yet. Source: KEP-4193 (the node in a
//! bound token is the one of its pod, and is verified when it is issued); `spec.nodeName` never
//! changes once it is set.

use super::{Rule, RuleResult, broken};
use crate::policy::evidence::PodEvidence;
use crate::text::quote;

/// Compares the bytes of the two names.
pub(in crate::policy) fn check(node: &str, pod: &PodEvidence) -> RuleResult {
    if !pod.node.is_empty() && pod.node == node {
        return Ok(());
    }
    let node = quote(node);
    let found = if pod.node.is_empty() {
        "no node".to_owned()
    } else {
        format!("node {}", quote(&pod.node))
    };
    broken(
        Rule::PodNode,
        format!("the driver on node {node} requests a certificate for a pod that is on {found}"),
    )
}
