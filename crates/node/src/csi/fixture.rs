//! Requests as a kubelet makes them, for tests.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use svid_api::csi::v1::volume_capability::{AccessType, MountVolume};
use svid_api::csi::v1::{NodePublishVolumeRequest, VolumeCapability};

/// When the fixtures' tokens expire, in seconds since 1970.
pub(super) const EXPIRY: i64 = 1_900_000_000;
pub(super) const POD_UID: &str = "0d9a3b9c-55c6-4d2c-a6f0-a1c21a0a4e3c";
/// Appears in the signature of every token; no error text may contain it.
pub(super) const SIGNATURE: &str = "U0VDUkVUU0VDUkVUU0VDUkVU";

/// What the kubelet says about a pod.
#[derive(Clone, Copy)]
pub(super) struct PodInfo {
    pub(super) namespace: &'static str,
    pub(super) service_account: &'static str,
    pub(super) name: &'static str,
    pub(super) uid: &'static str,
}

impl Default for PodInfo {
    fn default() -> Self {
        Self {
            namespace: "sandbox",
            service_account: "sleep",
            name: "sleep-1",
            uid: POD_UID,
        }
    }
}

pub(super) fn jwt(pod: &PodInfo, expiry: i64) -> String {
    let payload = json!({
        "aud": ["https://kubernetes.default.svc"],
        "exp": expiry,
        "iat": expiry - 3600,
        "kubernetes.io": {
            "namespace": pod.namespace,
            "node": {"name": "node-1", "uid": "n"},
            "pod": {"name": pod.name, "uid": pod.uid},
            "serviceaccount": {"name": pod.service_account, "uid": "s"},
        },
        "sub": format!("system:serviceaccount:{}:{}", pod.namespace, pod.service_account),
    });
    format!(
        "eyJhbGciOiJSUzI1NiJ9.{}.{SIGNATURE}",
        URL_SAFE_NO_PAD.encode(payload.to_string())
    )
}

pub(super) fn tokens(pod: &PodInfo, expiry: i64) -> String {
    json!({"": {"expirationTimestamp": "2030-03-17T17:46:40Z", "token": jwt(pod, expiry)}})
        .to_string()
}

/// A request as the kubelet of Kubernetes 1.36 sends it: the token in `secrets`.
pub(super) fn request() -> NodePublishVolumeRequest {
    let pod = PodInfo::default();
    let context = [
        ("csi.storage.k8s.io/ephemeral", "true"),
        ("csi.storage.k8s.io/pod.name", pod.name),
        ("csi.storage.k8s.io/pod.namespace", pod.namespace),
        ("csi.storage.k8s.io/pod.uid", pod.uid),
        (
            "csi.storage.k8s.io/serviceAccount.name",
            pod.service_account,
        ),
    ];
    let own = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    NodePublishVolumeRequest {
        volume_id: format!("csi-{}", "ab".repeat(32)),
        target_path: format!(
            "/var/lib/kubelet/pods/{POD_UID}/volumes/kubernetes.io~csi/spiffe/mount"
        ),
        volume_capability: Some(mount("")),
        readonly: true,
        secrets: [own((super::publish::TOKENS_KEY, &tokens(&pod, EXPIRY)))].into(),
        volume_context: context.into_iter().map(own).collect(),
        ..NodePublishVolumeRequest::default()
    }
}

pub(super) fn mount(group: &str) -> VolumeCapability {
    VolumeCapability {
        access_type: Some(AccessType::Mount(MountVolume {
            volume_mount_group: group.to_owned(),
            ..MountVolume::default()
        })),
        ..VolumeCapability::default()
    }
}
