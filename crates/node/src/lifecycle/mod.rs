//! One task per volume, from its first publish to its removal.
//!
//! Owns which volumes there are and what each is doing. A publish only states what is wanted, hands
//! over its token and waits for the volume's status; the task does the work whether or not a caller
//! is waiting. Knows nothing of gRPC, mounts or HTTP. Invariants: a volume has at most one task; a
//! volume's record and files have one writer at a time; nothing is sent for a volume that is being
//! removed.
//!
//! ```text
//! publish -> tasks -> task:  look at what the volume shows
//!                            +-> rest until it is due
//!                            |   attempt:  begin, create, answer, check, show
//!                            |   +-> back off after a failure, and attempt again
//!                            +-- after a success
//! ```
//!
//! | file | owns |
//! | --- | --- |
//! | `tasks` | publish, unpublish, recovery, the end |
//! | `joining` | making sure that a volume has a task, before its publish waits |
//! | `removal` | removing a volume |
//! | `volumes` | the volumes by id, and starting the task of one |
//! | `pods` | how many volumes each pod has |
//! | `places` | which publishes may wait if there are too many |
//! | `turns` | whose create is sent next |
//! | `slot` | the lifecycle state of one volume |
//! | `credentials` | which of the credentials that the kubelet brought is held |
//! | `task` | one volume's loop: look, wait until due, attempt, back off |
//! | `shown` | the certificate that the pod sees, and when it is due |
//! | `attempt` | one attempt: key, request, answer, check, files |
//! | `bundle` | which trust bundle is in effect, and showing each new one |
//! | `obsolete` | requests that ended badly or were superseded |
//! | `writer` | the only writer of a volume's record and files |
//! | `waiting` | how many publishes wait for one volume |
//! | `lanes` | how many threads work on files and mounts, by kind of work |
//! | `status` | what a volume's task is doing, and waiting for it |
//! | `error` | why a publish or an unpublish did not succeed |
//! | `board` | all statuses, for metrics and `/status` |
//! | `cleaner` | deleting the requests of volumes that are gone |
//! | `context` | what all of them are given; `Volume`, what the code that works on one shares |

mod attempt;
mod board;
mod bundle;
mod cleaner;
mod context;
mod credentials;
mod error;
mod joining;
mod lanes;
mod obsolete;
mod places;
mod pods;
mod removal;
mod shown;
mod slot;
mod status;
mod task;
mod tasks;
#[cfg(test)]
mod tests;
mod turns;
mod volumes;
mod waiting;
mod writer;

use std::time::Duration;

pub use board::Board;
pub use context::{AnchoringPolicy, Context, KeyUsagePolicy};
pub use error::{PublishError, RecoverError, UnpublishError};
pub use pods::{VolumesPerPod, VolumesPerPodError};
pub use tasks::{TaskPanicked, VolumeTasks};
pub use turns::CreateQueue;
#[cfg(test)]
pub use writer::WriteError;

use crate::spec::{PublishRequest, TargetPath, VolumeId};

/// What the CSI services need of the volumes' tasks.
pub trait Lifecycle: Send + Sync + 'static {
    /// Whether a record of the volume exists, or something of the kind we mount is at the target.
    fn is_known(
        &self,
        volume: &VolumeId,
        target: Option<&TargetPath>,
    ) -> impl Future<Output = bool> + Send;

    /// Waits, at most `limit`, until the volume shows a valid set of files. Dropping the future
    /// cancels the waiting, never the issuance. A volume that exists gets the credential and, if it
    /// shows a valid set, is answered at once, however many publishes wait.
    fn publish(
        &self,
        request: PublishRequest,
        limit: Duration,
    ) -> impl Future<Output = Result<(), PublishError>> + Send;

    /// A publish of a known volume whose request was not understood: succeeds while the volume's
    /// certificate is valid, else refused with `reason`.
    fn publish_malformed(
        &self,
        volume: &VolumeId,
        reason: String,
    ) -> impl Future<Output = Result<(), PublishError>> + Send;

    /// Removes the volume. Local and fast; an absent volume is fine.
    fn unpublish(
        &self,
        volume: VolumeId,
        target: TargetPath,
    ) -> impl Future<Output = Result<(), UnpublishError>> + Send;
}
