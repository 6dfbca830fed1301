//! From a pod's volume to the request that the kubelet sends for it.
//!
//! `pkg/volume/csi/csi_mounter.go`: the user's attributes first, the kubelet's keys over them.

use std::collections::BTreeMap;

use serde_json::Value;
use svid_api::csi::v1::volume_capability::access_mode::Mode;
use svid_api::csi::v1::volume_capability::{AccessMode, AccessType, MountVolume};
use svid_api::csi::v1::{NodePublishVolumeRequest, VolumeCapability};

use crate::store::meta;

/// One `csi` entry of a pod's volumes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InlineVolume {
    pub(super) name: String,
    pub(super) driver: String,
    csi: Value,
}

impl InlineVolume {
    /// The inline CSI volumes of a pod that a container mounts; others are never published.
    pub(super) fn of(pod: &Value) -> Vec<Self> {
        list(pod, "/spec/volumes")
            .iter()
            .filter_map(|volume| {
                let csi = volume.get("csi")?.clone();
                let name = meta::text(volume, "/name").to_owned();
                let driver = meta::text(&csi, "/driver").to_owned();
                is_mounted(pod, &name).then_some(Self { name, driver, csi })
            })
            .collect()
    }
}

/// Everything that a request is made of.
#[derive(Debug)]
pub(super) struct Ingredients<'a> {
    pub(super) pod: &'a Value,
    pub(super) volume: &'a InlineVolume,
    pub(super) csi_driver: &'a Value,
    pub(super) volume_mount_group: bool,
    pub(super) tokens: Option<String>,
    pub(super) volume_id: String,
    pub(super) target: String,
}

impl Ingredients<'_> {
    pub(super) fn request(self) -> NodePublishVolumeRequest {
        let mut context = texts(&self.volume.csi, "/volumeAttributes");
        if flag(self.csi_driver, "/spec/podInfoOnMount") {
            context.extend(pod_info(self.pod));
        }
        let mut secrets = BTreeMap::new();
        if let Some(tokens) = self.tokens {
            if flag(self.csi_driver, "/spec/serviceAccountTokenInSecrets") {
                secrets.insert(TOKENS.to_owned(), tokens);
            } else {
                context.insert(TOKENS.to_owned(), tokens);
            }
        }
        let group = self.pod.pointer("/spec/securityContext/fsGroup");
        let group = group.and_then(Value::as_i64).map(|group| group.to_string());
        let mount = MountVolume {
            fs_type: meta::text(&self.volume.csi, "/fsType").to_owned(),
            mount_flags: Vec::new(),
            volume_mount_group: group
                .filter(|_| self.volume_mount_group)
                .unwrap_or_default(),
        };
        NodePublishVolumeRequest {
            volume_id: self.volume_id,
            target_path: self.target,
            volume_capability: Some(VolumeCapability {
                access_mode: Some(AccessMode {
                    mode: Mode::SingleNodeWriter as i32,
                }),
                access_type: Some(AccessType::Mount(mount)),
            }),
            readonly: flag(&self.volume.csi, "/readOnly"),
            secrets,
            volume_context: context,
            ..NodePublishVolumeRequest::default()
        }
    }
}

fn pod_info(pod: &Value) -> [(String, String); 5] {
    [
        ("pod.name", meta::name(pod)),
        ("pod.namespace", meta::namespace(pod)),
        ("pod.uid", meta::uid(pod)),
        (
            "serviceAccount.name",
            meta::text(pod, "/spec/serviceAccountName"),
        ),
        ("ephemeral", "true"),
    ]
    .map(|(key, value)| (format!("csi.storage.k8s.io/{key}"), value.to_owned()))
}

fn is_mounted(pod: &Value, volume: &str) -> bool {
    let containers = list(pod, "/spec/containers").iter();
    containers
        .chain(list(pod, "/spec/initContainers"))
        .flat_map(|container| list(container, "/volumeMounts"))
        .any(|mount| meta::text(mount, "/name") == volume)
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    let list = value.pointer(pointer).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

fn texts(value: &Value, pointer: &str) -> BTreeMap<String, String> {
    let map = value.pointer(pointer).and_then(Value::as_object);
    map.into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

fn flag(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer) == Some(&Value::Bool(true))
}

/// The key of the pod's tokens, in the context or in the secrets.
pub(super) const TOKENS: &str = "csi.storage.k8s.io/serviceAccount.tokens";
