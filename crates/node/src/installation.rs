//! Who this driver is, on this node.
//!
//! Owns what the administrator decided and several modules need to know. There is one instance,
//! which they all share. Invariant: it does not change while the process lives.

use std::collections::BTreeMap;
use std::fmt;

use svid_api::duration::GoDuration;
use svid_core::identity::TrustDomain;
use svid_core::names::DriverName;

use crate::credential::RequestMode;

/// What several modules need to know of this installation.
#[derive(Clone, Debug)]
pub struct Installation {
    /// The driver's name, which is also that of its CSIDriver object.
    pub driver_name: DriverName,
    /// The node's name.
    pub node_id: NodeId,
    /// Who creates the requests.
    pub requester: RequestMode,
    /// The trust domain of every SPIFFE ID.
    pub trust_domain: TrustDomain,
    /// The lifetime that is requested for certificates, at least a second.
    pub duration: GoDuration,
    /// Annotations for every CertificateRequest.
    pub extra_annotations: BTreeMap<String, String>,
}

/// The node's name as the kubelet accepts it: what CSI allows (`NodeGetInfoResponse.node_id`), as
/// the kubelet applies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeId(String);

/// Why a text is not a valid node name. The message leaves the text out, to be written after it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}; allowed: the name of the node, 1 to {NODE_ID_LIMIT} bytes")]
pub struct NodeIdError(&'static str);

impl NodeId {
    /// Takes a name as it is written.
    ///
    /// # Errors
    /// If it is empty, longer than 256 bytes, or contains a control character.
    pub fn parse(text: &str) -> Result<Self, NodeIdError> {
        match text {
            "" => Err(NodeIdError("is empty")),
            _ if text.len() > NODE_ID_LIMIT => Err(NodeIdError("is too long")),
            _ if text.contains(char::is_control) => Err(NodeIdError("has a control character")),
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Bytes.
const NODE_ID_LIMIT: usize = 256;

/// An installation for tests.
#[cfg(test)]
pub(crate) fn fixture() -> Installation {
    Installation {
        driver_name: DriverName::parse("spiffe.csi.cert-manager.io").unwrap(),
        node_id: NodeId::parse("node-1").unwrap(),
        requester: RequestMode::Pod,
        trust_domain: TrustDomain::parse("example.org").unwrap(),
        duration: "1h".parse().unwrap(),
        extra_annotations: BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nodes_name_is_what_the_kubelet_takes() {
        let longest = "n".repeat(256);
        for name in ["node-1", "ip-10-0-0-1.ec2.internal", "Node 1", &longest] {
            assert_eq!(NodeId::parse(name).unwrap().as_str(), name);
        }
        for name in ["", "a\nb", "a\0", &"n".repeat(257)] {
            assert!(NodeId::parse(name).is_err(), "{name:?}");
        }
    }
}
