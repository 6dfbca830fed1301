//! A message with a token in it, for as long as it is needed.

use std::ops::Deref;

use svid_api::csi::v1::NodePublishVolumeRequest;
use zeroize::Zeroize;

/// A publish request. What it says in secrets and context is wiped when it is dropped; what the
/// gRPC library read it from is not ours to wipe.
pub(super) struct Confidential(NodePublishVolumeRequest);

impl Confidential {
    pub(super) fn new(request: NodePublishVolumeRequest) -> Self {
        Self(request)
    }
}

impl Deref for Confidential {
    type Target = NodePublishVolumeRequest;

    fn deref(&self) -> &NodePublishVolumeRequest {
        &self.0
    }
}

impl Drop for Confidential {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

fn wipe(request: &mut NodePublishVolumeRequest) {
    let secrets = request.secrets.values_mut();
    let values = secrets.chain(request.volume_context.values_mut());
    values.for_each(Zeroize::zeroize);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csi::fixture;

    #[test]
    fn every_value_that_may_hold_a_token_is_wiped() {
        let mut request = fixture::request();
        let token = request.secrets.values().next().unwrap().clone();
        request.volume_context.insert("token".to_owned(), token);
        wipe(&mut request);
        let values = request
            .secrets
            .values()
            .chain(request.volume_context.values());
        assert_eq!(values.clone().count(), 7);
        assert!(values.clone().all(String::is_empty));
    }
}
