//! One task a volume, from its first publish to its removal.

use std::time::Duration;

use crate::wish::{PublishRequest, TargetPath, VolumeId};

/// What a publish was told. Mapped to a gRPC code in `csi/status`, nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// Something outside must change first: the reason of the last attempt. gRPC Unavailable.
    #[error("{0}")]
    Unavailable(String),
    /// This call cannot be served, another may: a bad request for a known volume, a volume
    /// that is going. gRPC Aborted.
    #[error("{0}")]
    Aborted(String),
    /// The files were not there in time; issuance goes on. gRPC DeadlineExceeded.
    #[error("{0}")]
    DeadlineExceeded(String),
}

/// Why an unpublish was not done. The kubelet calls again. gRPC Internal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnpublishError(pub String);

/// What the CSI services need of the volumes' tasks.
pub trait Lifecycle: Send + Sync + 'static {
    /// Whether a record of the volume exists, or something of the kind we mount is at the target.
    fn is_known(
        &self,
        volume: &VolumeId,
        target: Option<&TargetPath>,
    ) -> impl Future<Output = bool> + Send;

    /// Waits, at most `limit`, until the volume shows a valid set of files. Dropping the future
    /// cancels the waiting, never the issuance.
    fn publish(
        &self,
        request: PublishRequest,
        limit: Duration,
    ) -> impl Future<Output = Result<(), PublishError>> + Send;

    /// A publish of a known volume whose request was not understood: fine while the volume's
    /// certificate is valid, else Aborted with `reason`.
    fn publish_misunderstood(
        &self,
        volume: &VolumeId,
        target: Option<&TargetPath>,
        reason: String,
    ) -> impl Future<Output = Result<(), PublishError>> + Send;

    /// Removes the volume. Local and fast; absent is fine.
    fn unpublish(
        &self,
        volume: VolumeId,
        target: TargetPath,
    ) -> impl Future<Output = Result<(), UnpublishError>> + Send;
}
