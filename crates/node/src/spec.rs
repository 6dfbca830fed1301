//! What the kubelet requests for one volume, as typed values.
//!
//! Owns the types that the modules of this crate share. Knows nothing of gRPC, files or the API
//! server. Invariant: a [`VolumeSpec`] was made from values that were checked once, at the edge
//! (`csi/publish`) or when a record was read, and never holds a token or a key.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use svid_core::identity::ServiceAccount;
use svid_core::names::is_subdomain;
use svid_core::text::{excerpt, quote};

use crate::credential::Credential;

/// One volume as the kubelet requested it.
///
/// Written once, at the volume's first publish; read by issuance, renewal and removal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeSpec {
    /// The kubelet's name for the volume.
    pub volume: VolumeId,
    /// The path at which the pod's containers find the volume.
    pub target: TargetPath,
    /// The pod that mounts it.
    pub pod: Pod,
    /// The service account the pod runs as; its namespace is the pod's.
    pub service_account: ServiceAccount,
    /// The group that may read the files: 1 to 4294967295.
    pub fs_group: Option<u32>,
}

/// The pod a volume belongs to. Its namespace is that of the spec's service account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedPod")]
pub struct Pod {
    /// The pod's name.
    pub name: String,
    /// The pod's UID, which no later pod of the same name has.
    pub uid: String,
}

#[derive(Deserialize)]
struct UncheckedPod {
    name: String,
    uid: String,
}

/// Why a pod was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PodError {
    /// Its name cannot exist in Kubernetes.
    #[error("{value} is not a valid pod name")]
    Name {
        /// The value, quoted.
        value: String,
    },
    /// Its UID is not one that Kubernetes generates.
    #[error("{value} is not a valid UID")]
    Uid {
        /// The value, quoted.
        value: String,
    },
}

impl Pod {
    /// A pod with a legal name and UID.
    ///
    /// # Errors
    /// If one is not.
    pub fn new(name: String, uid: String) -> Result<Self, PodError> {
        if !is_subdomain(&name) {
            return Err(PodError::Name {
                value: quote(&name),
            });
        }
        if !is_uid(&uid) {
            return Err(PodError::Uid { value: quote(&uid) });
        }
        Ok(Self { name, uid })
    }
}

impl TryFrom<UncheckedPod> for Pod {
    type Error = PodError;

    fn try_from(UncheckedPod { name, uid }: UncheckedPod) -> Result<Self, PodError> {
        Self::new(name, uid)
    }
}

/// A UID: the API server generates UUIDs; static pods have 32 hexadecimal digits. Nothing else that
/// could be read as a path, a label or a header is accepted.
fn is_uid(uid: &str) -> bool {
    (1..=63).contains(&uid.len())
        && uid
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// A NodePublishVolume call that was understood.
#[derive(Clone, Debug)]
pub struct PublishRequest {
    /// What is wanted.
    pub spec: VolumeSpec,
    /// The credential that its requests may be created with from now on.
    pub credential: Credential,
}

/// A volume id: 1 to 255 bytes, one path segment, printable.
///
/// The kubelet sends `csi-` and 64 hexadecimal digits; other orchestrators may send something else.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VolumeId(String);

/// An absolute path without `.`, `..`, empty parts or NUL, below which the volume is seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "PathBuf", into = "PathBuf")]
pub struct TargetPath(PathBuf);

/// Why a volume id or target path was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VolumeFieldError {
    /// The field is empty.
    #[error("{field} is empty")]
    Empty {
        /// The CSI field.
        field: &'static str,
    },
    /// The field is longer than the limit.
    #[error("{field} is {length} bytes long; at most {limit} are allowed")]
    TooLong {
        /// The CSI field.
        field: &'static str,
        /// Its length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The field contains a byte or part that could lead out of its folder.
    #[error("{field} \"{value}\" is refused: {reason}")]
    Unsafe {
        /// The CSI field.
        field: &'static str,
        /// The value, escaped and truncated.
        value: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl VolumeId {
    /// Parses a volume id from the wire.
    ///
    /// # Errors
    /// If it is empty, too long, or could name something outside its folder.
    pub fn parse(text: &str) -> Result<Self, VolumeFieldError> {
        let field = "volume_id";
        let refuse = |reason| {
            Err(VolumeFieldError::Unsafe {
                field,
                value: excerpt(text),
                reason,
            })
        };
        match text {
            "" => Err(VolumeFieldError::Empty { field }),
            _ if text.len() > VOLUME_ID_LIMIT => Err(VolumeFieldError::TooLong {
                field,
                length: text.len(),
                limit: VOLUME_ID_LIMIT,
            }),
            "." | ".." => refuse("it names a directory, not a volume"),
            _ if text.contains('/') => refuse("it contains a path separator"),
            _ if text.chars().any(char::is_control) => refuse("it contains a control character"),
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// The id as the kubelet wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VolumeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for VolumeId {
    type Error = VolumeFieldError;
    fn try_from(text: String) -> Result<Self, VolumeFieldError> {
        Self::parse(&text)
    }
}

impl From<VolumeId> for String {
    fn from(id: VolumeId) -> Self {
        id.0
    }
}

impl TargetPath {
    /// Parses a target path from the wire.
    ///
    /// # Errors
    /// If it is empty, too long, relative, the root, or has parts that lead elsewhere.
    pub fn parse(text: &str) -> Result<Self, VolumeFieldError> {
        let field = "target_path";
        let refuse = |reason| {
            Err(VolumeFieldError::Unsafe {
                field,
                value: excerpt(text),
                reason,
            })
        };
        if text.is_empty() {
            return Err(VolumeFieldError::Empty { field });
        }
        if text.len() > TARGET_PATH_LIMIT {
            return Err(VolumeFieldError::TooLong {
                field,
                length: text.len(),
                limit: TARGET_PATH_LIMIT,
            });
        }
        if text.chars().any(char::is_control) {
            return refuse("it contains a control character");
        }
        let Some(relative) = text.strip_prefix('/') else {
            return refuse("it is not absolute");
        };
        let parts: Vec<&str> = relative
            .strip_suffix('/')
            .unwrap_or(relative)
            .split('/')
            .collect();
        if parts.iter().any(|part| matches!(*part, "" | "." | "..")) {
            return refuse("it has an empty, `.` or `..` part");
        }
        if parts.iter().any(|part| part.len() > 255) {
            return refuse("a part is longer than 255 bytes");
        }
        Ok(Self(Path::new("/").join(parts.join("/"))))
    }

    /// The path.
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    /// The pod UID that the kubelet puts into a target:
    /// `…/pods/UID/volumes/kubernetes.io~csi/NAME/mount`.
    ///
    /// None if the path does not have that shape, as with orchestrators other than the kubelet.
    pub fn pod_uid(&self) -> Option<&str> {
        let parts: Vec<&str> = self.0.components().filter_map(normal).collect();
        let [.., "pods", uid, "volumes", "kubernetes.io~csi", _, "mount"] = parts.as_slice() else {
            return None;
        };
        Some(uid)
    }

    /// The pod's folder, `…/pods/UID`: the volume lives no longer than this folder does.
    pub fn pod_folder(&self) -> Option<&Path> {
        self.pod_uid()?;
        self.0.ancestors().nth(4)
    }
}

impl TryFrom<PathBuf> for TargetPath {
    type Error = VolumeFieldError;
    fn try_from(path: PathBuf) -> Result<Self, VolumeFieldError> {
        let text = path.to_str().ok_or_else(|| VolumeFieldError::Unsafe {
            field: "target_path",
            value: excerpt(&path.to_string_lossy()),
            reason: "it is not UTF-8",
        })?;
        Self::parse(text)
    }
}

impl From<TargetPath> for PathBuf {
    fn from(path: TargetPath) -> Self {
        path.0
    }
}

impl fmt::Display for TargetPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

fn normal(component: Component<'_>) -> Option<&str> {
    match component {
        Component::Normal(part) => part.to_str(),
        Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => {
            None
        }
    }
}

/// Bytes; the kubelet sends 68. Also the limit of a file name, in case one is made of it.
const VOLUME_ID_LIMIT: usize = 255;
/// Bytes; Linux's PATH_MAX minus the NUL.
const TARGET_PATH_LIMIT: usize = 4095;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volume_ids_that_could_leave_their_folder_are_refused() {
        for bad in ["", ".", "..", "a/b", "/", "a\0b", "a\nb", &"x".repeat(256)] {
            assert!(VolumeId::parse(bad).is_err(), "{bad:?}");
        }
        for good in ["csi-0123", "..a", "a b", &"x".repeat(255)] {
            assert_eq!(VolumeId::parse(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn target_paths_that_lead_elsewhere_are_refused() {
        for bad in [
            "", "/", "//", "a", "a/b", "./a", "/a/../b", "/a/./b", "/a//b", "/a/..", "/..", "/a\0",
            "/a\n", "\0",
        ] {
            assert!(TargetPath::parse(bad).is_err(), "{bad:?}");
        }
        assert!(TargetPath::parse(&format!("/{}", "x".repeat(256))).is_err());
        assert!(TargetPath::parse(&"/x".repeat(2048)).is_err());
        assert_eq!(
            TargetPath::parse("/a/b/").unwrap().as_path(),
            Path::new("/a/b")
        );
    }

    #[test]
    fn the_kubelets_targets_name_their_pod() {
        let shaped =
            TargetPath::parse("/k/pods/u-1/volumes/kubernetes.io~csi/spiffe/mount").unwrap();
        assert_eq!(shaped.pod_uid(), Some("u-1"));
        assert_eq!(shaped.pod_folder(), Some(Path::new("/k/pods/u-1")));
        let other = TargetPath::parse("/tmp/csi-mount/target").unwrap();
        assert_eq!(other.pod_uid(), None);
        assert_eq!(other.pod_folder(), None);
    }
}
