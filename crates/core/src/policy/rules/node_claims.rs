//! The driver's token says on which node it is used. Node-attested mode only.
//!
//! Stops: a token of the driver's account that cannot be distinguished from those of all other
//! nodes: one from a Secret, from `kubectl create token`, or of a Kubernetes that does not name the
//! node.
//! Allowed: one value each for the names and UIDs of node and pod.
//! Refused: any of the four absent, empty, or with two values.
//! Source: KEP-4193 (`authentication.kubernetes.io/node-name` and `node-uid`, on from Kubernetes
//! 1.30); `k8s.io/apiserver/pkg/authentication/serviceaccount/util.go` for the names.

use super::{Rule, broken};
use crate::policy::claims::{Claim, NODE_NAME, NODE_UID, POD_NAME, POD_UID, claim};
use crate::policy::decision::Violation;
use crate::policy::request::Requester;

/// The name of the node that the request was made from.
///
/// Its UID is not compared with anything, nor is the pod, which is the driver's own: both are there
/// because the API server wrote the node's name only into a token that is bound to a pod that it
/// knows to be on that node, and accepts that token only while the pod exists.
pub(in crate::policy) fn node(requester: &Requester) -> Result<&str, Violation> {
    for name in [POD_NAME, POD_UID, NODE_UID] {
        said(requester, name)?;
    }
    said(requester, NODE_NAME)
}

fn said<'a>(requester: &'a Requester, name: &str) -> Result<&'a str, Violation> {
    let how = match claim(requester, name) {
        Claim::Says(value) => return Ok(value),
        Claim::Absent => "does not contain",
        Claim::Unclear => "has an empty value, or several values, for",
    };
    broken(
        Rule::NodeClaims,
        format!(
            "the driver's token {how} {name}: requests by the driver's own account need Kubernetes \
             1.30 or newer, and the token that the kubelet gave the driver's pod"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_that_is_absent_is_named_with_the_kubernetes_that_writes_it() {
        let right = || Requester {
            extra: [
                (POD_NAME, "driver-x"),
                (POD_UID, "u"),
                (NODE_NAME, "node-1"),
                (NODE_UID, "n"),
            ]
            .map(|(name, value)| (name.to_owned(), vec![value.to_owned()]))
            .into(),
            ..Requester::default()
        };
        for name in [POD_NAME, POD_UID, NODE_NAME, NODE_UID] {
            let mut requester = right();
            requester.extra.remove(name);
            let violation = node(&requester).unwrap_err();
            assert!(violation.text().contains(name), "{name}");
            assert!(violation.text().contains("1.30"), "{name}");
        }
    }
}
