//! `Debug` for the messages that carry secrets. Only what identifies the volume is printed; not
//! even the keys of a map are, since in a volume context they are the user's.

use std::collections::BTreeMap;
use std::fmt::{Debug, Formatter, Result};

use super::{
    NodeExpandVolumeRequest, NodeGetStorageHealthRequest, NodePublishVolumeRequest,
    NodeStageVolumeRequest,
};

impl Debug for NodePublishVolumeRequest {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("NodePublishVolumeRequest")
            .field("volume_id", &self.volume_id)
            .field("target_path", &self.target_path)
            .field("volume_capability", &self.volume_capability)
            .field("readonly", &self.readonly)
            .field("secrets", &Redacted(&self.secrets))
            .field("volume_context", &Redacted(&self.volume_context))
            .finish_non_exhaustive()
    }
}

impl Debug for NodeStageVolumeRequest {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("NodeStageVolumeRequest")
            .field("volume_id", &self.volume_id)
            .field("staging_target_path", &self.staging_target_path)
            .field("volume_capability", &self.volume_capability)
            .field("secrets", &Redacted(&self.secrets))
            .field("volume_context", &Redacted(&self.volume_context))
            .finish_non_exhaustive()
    }
}

impl Debug for NodeExpandVolumeRequest {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("NodeExpandVolumeRequest")
            .field("volume_id", &self.volume_id)
            .field("volume_path", &self.volume_path)
            .field("secrets", &Redacted(&self.secrets))
            .finish_non_exhaustive()
    }
}

impl Debug for NodeGetStorageHealthRequest {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("NodeGetStorageHealthRequest")
            .field("secrets", &Redacted(&self.secrets))
            .finish_non_exhaustive()
    }
}

/// A map that prints only its size.
struct Redacted<'a>(&'a BTreeMap<String, String>);

impl Debug for Redacted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "<{} entries redacted>", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_does_not_show_in_debug_output() {
        let map = BTreeMap::from([("key-of-mine".to_owned(), "eyJhbGciOi".to_owned())]);
        let publish = NodePublishVolumeRequest {
            volume_id: "csi-1".into(),
            secrets: map.clone(),
            publish_context: map.clone(),
            volume_context: map.clone(),
            ..NodePublishVolumeRequest::default()
        };
        let stage = NodeStageVolumeRequest {
            volume_id: "csi-1".into(),
            secrets: map.clone(),
            publish_context: map.clone(),
            volume_context: map.clone(),
            ..NodeStageVolumeRequest::default()
        };
        let expand = NodeExpandVolumeRequest {
            volume_id: "csi-1".into(),
            secrets: map.clone(),
            ..NodeExpandVolumeRequest::default()
        };
        let health = NodeGetStorageHealthRequest { secrets: map };
        for text in [
            format!("{publish:#?}"),
            format!("{stage:?}"),
            format!("{expand:?}"),
            format!("{health:?}"),
        ] {
            assert!(
                !text.contains("eyJ") && !text.contains("key-of-mine"),
                "{text}"
            );
            assert!(text.contains("1 entries redacted"), "{text}");
        }
        assert!(format!("{publish:?}").contains("csi-1"));
    }
}
