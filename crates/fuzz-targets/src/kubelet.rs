//! A NodePublishVolume request as a kubelet makes it, which the targets change.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use svid_api::csi::v1::volume_capability::{AccessType, MountVolume};
use svid_api::csi::v1::{NodePublishVolumeRequest, VolumeCapability};
use svid_core::identity::TrustDomain;
use svid_core::names::DriverName;
use svid_node::credential::RequestMode;
use svid_node::csi::publish::{PublishRequestError, parse};
use svid_node::driver::{Installation, NodeId};
use svid_node::spec::PublishRequest;

/// The key under which the kubelet hands over tokens.
pub(crate) const TOKENS: &str = "csi.storage.k8s.io/serviceAccount.tokens";
pub(crate) const POD_NAME: &str = "web-1";
pub(crate) const POD_UID: &str = "0d9a3b9c-55c6-4d2c-a6f0-a1c21a0a4e3c";
/// Stands in the signature of every token; no text may hold it.
pub(crate) const SIGNATURE: &str = "U0VDUkVUU0VDUkVUU0VDUkVU";

/// Reads a request as the driver does, an hour before the tokens here expire.
pub(crate) fn read(
    request: &NodePublishVolumeRequest,
    requester: RequestMode,
) -> Result<PublishRequest, PublishRequestError> {
    let installation = Installation {
        driver_name: DriverName::parse("spiffe.csi.cert-manager.io").unwrap(),
        node_id: NodeId::parse("node-1").unwrap(),
        requester,
        trust_domain: TrustDomain::parse("cluster.local").unwrap(),
        duration: "1h".parse().unwrap(),
        extra_annotations: BTreeMap::new(),
    };
    parse(request, &installation, now())
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// The claims of a right token.
pub(crate) fn claims() -> String {
    serde_json::json!({
        "aud": ["https://kubernetes.default.svc"],
        "exp": 1_800_003_600,
        "kubernetes.io": {
            "namespace": "payments",
            "node": {"name": "node-1", "uid": "n"},
            "pod": {"name": POD_NAME, "uid": POD_UID},
            "serviceaccount": {"name": "api", "uid": "s"},
        },
        "sub": "system:serviceaccount:payments:api",
    })
    .to_string()
}

/// A token with any payload at all.
pub(crate) fn jwt(payload: &[u8]) -> String {
    format!(
        "eyJhbGciOiJSUzI1NiJ9.{}.{SIGNATURE}",
        URL_SAFE_NO_PAD.encode(payload)
    )
}

/// What the kubelet writes around a token.
pub(crate) fn tokens(jwt: &str) -> String {
    serde_json::json!({"": {"expirationTimestamp": "2027-01-15T09:00:00Z", "token": jwt}})
        .to_string()
}

/// A valid request, its token in `secrets`.
pub(crate) fn request() -> NodePublishVolumeRequest {
    let context = [
        ("csi.storage.k8s.io/ephemeral", "true"),
        ("csi.storage.k8s.io/pod.name", POD_NAME),
        ("csi.storage.k8s.io/pod.namespace", "payments"),
        ("csi.storage.k8s.io/pod.uid", POD_UID),
        ("csi.storage.k8s.io/serviceAccount.name", "api"),
    ];
    let own = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    NodePublishVolumeRequest {
        volume_id: format!("csi-{}", "ab".repeat(32)),
        target_path: format!(
            "/var/lib/kubelet/pods/{POD_UID}/volumes/kubernetes.io~csi/spiffe/mount"
        ),
        volume_capability: Some(VolumeCapability {
            access_type: Some(AccessType::Mount(MountVolume::default())),
            ..VolumeCapability::default()
        }),
        readonly: true,
        secrets: [(TOKENS.to_owned(), tokens(&jwt(claims().as_bytes())))].into(),
        volume_context: context.into_iter().map(own).collect(),
        ..NodePublishVolumeRequest::default()
    }
}
