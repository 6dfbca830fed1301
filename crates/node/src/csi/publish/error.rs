//! Why a NodePublishVolume request was not understood, one variant per rule.

use svid_core::identity::ServiceAccountError;
use svid_core::names::DriverName;

use super::super::token::TokenError;
use super::{NAMESPACE_KEY, POD_NAME_KEY, POD_UID_KEY, SERVICE_ACCOUNT_KEY, TOKENS_KEY};
use crate::spec::VolumeFieldError;

/// The rule that a request breaks. The text names the CSI field and, if an administrator can help,
/// what to set on the CSIDriver object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishRequestError {
    /// `volume_id` or `target_path` is missing or could lead out of its folder.
    #[error("{0}")]
    Place(VolumeFieldError),
    /// No `volume_capability`.
    #[error("volume_capability is missing")]
    NoCapability,
    /// A raw block volume was requested.
    #[error("volume_capability.block is refused: certificates are files, not a block device")]
    Block,
    /// Neither mount nor block was requested.
    #[error("volume_capability.mount is missing")]
    NoAccessType,
    /// The context is larger than any that a kubelet and an honest pod produce together.
    #[error("volume_context is {length} bytes long; at most {limit} are allowed")]
    ContextTooLong {
        /// Its length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The volume is not read-only; a pod that can write to it could give itself another identity.
    #[error("readonly is false: set `readOnly: true` on the pod's csi volume")]
    Writable,
    /// The volume is not an inline volume of a pod.
    #[error(
        "volume_context[\"{key}\"] is not \"true\": only inline volumes of pods are supported, \
         and the CSIDriver object {driver} must have podInfoOnMount: true and the mode Ephemeral",
        key = super::EPHEMERAL_KEY
    )]
    NotEphemeral {
        /// The driver's name.
        driver: DriverName,
    },
    /// The kubelet did not say whose volume it is.
    #[error(
        "volume_context[\"{key}\"] is missing: the CSIDriver object {driver} must have \
         podInfoOnMount: true"
    )]
    NoPodInfo {
        /// The missing key.
        key: &'static str,
        /// The driver's name.
        driver: DriverName,
    },
    /// The namespace or the service account cannot exist in Kubernetes.
    #[error("volume_context[\"{key}\"] is refused: {reason}", key = service_account_key(reason))]
    ServiceAccount {
        /// What is wrong.
        reason: ServiceAccountError,
    },
    /// The pod's name cannot exist in Kubernetes.
    #[error("volume_context[\"{POD_NAME_KEY}\"] {value} is not a valid pod name")]
    PodName {
        /// The value, quoted.
        value: String,
    },
    /// The pod's UID is not one that Kubernetes generates.
    #[error("volume_context[\"{POD_UID_KEY}\"] {value} is not a valid UID")]
    PodUid {
        /// The value, quoted.
        value: String,
    },
    /// The target lies in another pod's folder.
    #[error(
        "target_path is in the directory of pod {found:?}, but volume_context says pod \
        {expected}"
    )]
    TargetOfAnotherPod {
        /// The UID in the path.
        found: String,
        /// The UID in the context.
        expected: String,
    },
    /// Nothing but the context says whose volume it is, and that could have been written by the
    /// pod's author.
    #[error(
        "target_path is not in the kubelet's directory of a pod \
         (pods/UID/volumes/kubernetes.io~csi/NAME/mount): with --use-own-service-account only \
         volumes of this node's kubelet are served"
    )]
    TargetOfNoPod,
    /// The kubelet sent no token.
    #[error(
        "\"{TOKENS_KEY}\" is missing in secrets and in volume_context: the CSIDriver object \
         {driver} must have a tokenRequests entry with audience \"\" (and may have \
         serviceAccountTokenInSecrets: true from Kubernetes 1.35)"
    )]
    NoToken {
        /// The driver's name.
        driver: DriverName,
    },
    /// What the kubelet sent contains no token of this pod.
    #[error("{field}[\"{TOKENS_KEY}\"] is refused: {reason}")]
    Token {
        /// Where it was found: `secrets` or `volume_context`.
        field: &'static str,
        /// What is wrong.
        reason: TokenError,
    },
    /// The group that is to read the files is not a valid group number.
    #[error("{field} {value} is not a group ID: it must be 1 to 4294967295 in decimal digits")]
    FsGroup {
        /// Where it was found.
        field: &'static str,
        /// The value, quoted.
        value: String,
    },
}

impl From<VolumeFieldError> for PublishRequestError {
    fn from(error: VolumeFieldError) -> Self {
        Self::Place(error)
    }
}

impl From<ServiceAccountError> for PublishRequestError {
    fn from(reason: ServiceAccountError) -> Self {
        Self::ServiceAccount { reason }
    }
}

fn service_account_key(reason: &ServiceAccountError) -> &'static str {
    if matches!(reason, ServiceAccountError::Namespace(_)) {
        NAMESPACE_KEY
    } else {
        SERVICE_ACCOUNT_KEY
    }
}
