//! Why a publish or an unpublish did not succeed: causes, which know nothing of gRPC.

use super::pods::VolumesPerPod;
pub use super::writer::WriteError;
use crate::volume::VolumeError;

/// Why a publish did not succeed. Mapped to a gRPC code in `csi/status`, nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// Unpublish has begun.
    #[error("the volume is being removed")]
    Going,
    /// The volume ended while the call waited for its turn, so the call may be for a pod that is
    /// gone.
    #[error("the volume was removed or could not be set up a moment ago; call again")]
    Removed,
    /// The volume belongs to another pod, or lies elsewhere, and shows no valid certificate.
    #[error("the volume was published with another pod, service account, target or group")]
    SpecChanged,
    /// The request breaks this rule, and the volume shows no valid certificate.
    #[error("{0}")]
    Malformed(String),
    /// A new volume could not be begun: its record was not written, or it is not known what is at
    /// its target.
    #[error(transparent)]
    NotBegun(WriteError),
    /// The volume is new, and its pod has as many as it may. Nothing of it exists.
    #[error(
        "the pod has {limit} or more volumes of this driver and may not have another one \
         (--max-volumes-per-pod={limit}): mount one volume in all its containers, or ask the \
         driver's administrator for a higher limit"
    )]
    TooManyVolumes {
        /// How many volumes a pod may begin.
        limit: VolumesPerPod,
    },
    /// Too many publishes wait, and this one's pod has its share of the places.
    #[error(
        "too many publish calls are waiting on this node, many of them for this pod; call \
        again"
    )]
    Crowded,
    /// The last attempt failed for this reason, and the next one falls after the call's end.
    #[error("{0}")]
    AttemptFailed(String),
    /// Beginning the volume, or another call that began or removed it, took until the deadline.
    #[error("still waiting for the volume's directory")]
    Busy,
    /// The files were not there in time; the work continues.
    #[error(
        "still {doing}{}{}",
        said(": ", waits_for),
        said("; the last attempt failed: ", failure)
    )]
    StillWaiting {
        /// What the volume's task is doing.
        doing: &'static str,
        /// What a pending request waits for.
        waits_for: Option<String>,
        /// Why the last attempt failed.
        failure: Option<String>,
    },
    /// The process is ending.
    #[error("the driver is stopping; call again")]
    ShuttingDown,
}

/// Why the volumes of the previous process could not be taken over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecoverError {
    /// The data folder cannot be read.
    #[error(transparent)]
    Records(#[from] VolumeError),
    /// The thread that reads them ended early.
    #[error("the thread that reads the records of volumes ended early; see the log")]
    Thread,
}

/// Why an unpublish was not done. The kubelet calls again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnpublishError {
    /// The mount, the files or the record are still there.
    #[error(transparent)]
    NotRemoved(#[from] WriteError),
    /// The process is ending.
    #[error("the driver is stopping; call again")]
    ShuttingDown,
}

fn said(before: &str, words: &Option<String>) -> String {
    let words = words.as_deref();
    words.map_or_else(String::new, |words| format!("{before}{words}"))
}
