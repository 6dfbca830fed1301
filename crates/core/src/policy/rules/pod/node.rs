//! The Pod is on the node that the request is made from.
//!
//! Stops: the token of one node's driver, stolen there, that asks for the identities of pods on all
//! other nodes. With this rule a node can have the identities of its own pods, and no other.
//! Allowed: a Pod on `node-1`, asked for with the token of the driver on `node-1`.
//! Refused: the same Pod, asked for from `node-2`; a Pod that is on no node yet.
//! Source: KEP-4193 (the node in a bound token is the one of its pod, and is verified when it is
//! issued); `spec.nodeName` never changes once it is set.

use super::{Rule, Verdict, broken};
use crate::policy::evidence::Pod;
use crate::text::quote;

/// Compares the bytes of the two names.
pub(in crate::policy) fn check(node: &str, pod: &Pod) -> Verdict {
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
        format!("the driver on node {node} asks for a pod that is on {found}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::rules::pod::right;

    #[test]
    fn allows_pods_of_this_node_only() {
        for (asking, on, allowed) in [
            ("node-1", "node-1", true),
            ("node-1", "node-2", false),
            ("node-1", "node-11", false),
            ("node-1", "Node-1", false),
            ("node-1", "", false),
            ("", "", false),
        ] {
            let mut pod = right();
            pod.node = on.to_owned();
            assert_eq!(check(asking, &pod).is_ok(), allowed, "{asking:?} {on:?}");
        }
    }
}
