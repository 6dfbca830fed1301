//! Why a publish or an unpublish did not succeed: causes, which know nothing of gRPC.

pub use super::writer::WriteError;

/// Why a publish did not succeed. Mapped to a gRPC code in `csi/status`, nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// Unpublish has begun.
    #[error("the volume is being removed")]
    Going,
    /// The volume ended while the call waited for its turn, so the call may be for a pod that is
    /// gone.
    #[error("the volume was removed or could not be begun a moment ago; call again")]
    Removed,
    /// The volume belongs to another pod, or lies elsewhere, and shows no valid certificate.
    #[error("the volume was published with another pod, service account, target or group")]
    OtherWish,
    /// The request breaks this rule, and the volume shows no valid certificate.
    #[error("{0}")]
    Misunderstood(String),
    /// The record of a new volume could not be written.
    #[error(transparent)]
    NotRecorded(WriteError),
    /// The last attempt failed for this reason, and the next one falls after the call's end.
    #[error("{0}")]
    AttemptFailed(String),
    /// Beginning the volume, or another call that began or removed it, took until the deadline.
    #[error("still waiting for the volume's folder")]
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
