//! The one mapping from failures to gRPC codes.
//!
//! The kubelet distinguishes two classes (`isFinalError` in `pkg/volume/csi`): after Canceled,
//! DeadlineExceeded, Unavailable, ResourceExhausted and Aborted it treats the volume as uncertain
//! and unpublishes it when the pod goes; after any other code it forgets the volume and never
//! unpublishes it. Invariant: a publish is answered with a code of the second class only if nothing
//! of the volume exists.

use svid_core::text::one_line;
use tonic::{Code, Status};

use super::publish::PublishRequestError;
use crate::lifecycle::{PublishError, UnpublishError};
use crate::spec::VolumeFieldError;

/// A publish of an unknown volume whose request was not understood. Final.
pub(super) fn publish_not_understood(error: &PublishRequestError) -> Status {
    Status::invalid_argument(shown(error))
}

/// A publish that was understood and did not succeed. Final only if the volume was not begun for a
/// reason that calling again does not change.
pub(super) fn publish_failed(error: &PublishError) -> Status {
    let code = match error {
        PublishError::TooManyVolumes { .. } => Code::InvalidArgument,
        // Something outside must change first.
        PublishError::Crowded
        | PublishError::NotBegun(_)
        | PublishError::AttemptFailed(_)
        | PublishError::ShuttingDown => Code::Unavailable,
        // This call cannot be served, but another may be.
        PublishError::Going
        | PublishError::Removed
        | PublishError::SpecChanged
        | PublishError::Malformed(_) => Code::Aborted,
        PublishError::Busy | PublishError::StillWaiting { .. } => Code::DeadlineExceeded,
    };
    Status::new(code, shown(error))
}

/// An unpublish whose volume id or target cannot be one of ours.
pub(super) fn unpublish_not_understood(error: &VolumeFieldError) -> Status {
    Status::invalid_argument(shown(error))
}

/// An unpublish that did not succeed; the kubelet calls again.
pub(super) fn unpublish_failed(error: &UnpublishError) -> Status {
    Status::internal(shown(error))
}

/// The process is ending. Not final: whatever was begun continues in the next one.
pub(super) fn stopping() -> Status {
    publish_failed(&PublishError::ShuttingDown)
}

/// A call that an inline volume has no use for.
pub(super) fn unimplemented(call: &str) -> Status {
    Status::unimplemented(format!("{call} is not supported by this driver"))
}

/// The text becomes an HTTP/2 trailer and an Event, which holds 1 KiB.
fn shown(error: &impl ToString) -> String {
    one_line(&error.to_string(), TEXT_LIMIT)
}

/// Bytes. The kubelet wraps the text in about 200 of its own before it makes an Event of it.
const TEXT_LIMIT: usize = 800;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::{VolumesPerPod, WriteError};

    #[test]
    fn a_volume_that_may_exist_never_gets_a_final_code() {
        let text = || "reason".to_owned();
        let waiting = PublishError::StillWaiting {
            doing: "waiting",
            waits_for: None,
            failure: None,
        };
        let causes = [
            (PublishError::Crowded, Code::Unavailable),
            (PublishError::Going, Code::Aborted),
            (PublishError::Removed, Code::Aborted),
            (PublishError::SpecChanged, Code::Aborted),
            (PublishError::Malformed(text()), Code::Aborted),
            (
                PublishError::NotBegun(WriteError::Thread),
                Code::Unavailable,
            ),
            (PublishError::AttemptFailed(text()), Code::Unavailable),
            (PublishError::ShuttingDown, Code::Unavailable),
            (PublishError::Busy, Code::DeadlineExceeded),
            (waiting, Code::DeadlineExceeded),
        ];
        let causes = causes.map(|(cause, code)| (publish_failed(&cause), code));
        let table = causes.into_iter().chain([(stopping(), Code::Unavailable)]);
        let uncertain = [
            Code::Cancelled,
            Code::DeadlineExceeded,
            Code::Unavailable,
            Code::ResourceExhausted,
            Code::Aborted,
        ];
        for (status, code) in table {
            assert_eq!(status.code(), code);
            assert!(uncertain.contains(&status.code()), "{status}");
        }
    }

    #[test]
    fn other_failures_have_the_codes_of_the_csi_specification() {
        let empty = VolumeFieldError::Empty { field: "volume_id" };
        let limit = VolumesPerPod::default();
        let table = [
            (
                publish_failed(&PublishError::TooManyVolumes { limit }),
                Code::InvalidArgument,
            ),
            (
                publish_not_understood(&PublishRequestError::NoCapability),
                Code::InvalidArgument,
            ),
            (unpublish_not_understood(&empty), Code::InvalidArgument),
            (
                unpublish_failed(&UnpublishError::ShuttingDown),
                Code::Internal,
            ),
            (unimplemented("NodeStageVolume"), Code::Unimplemented),
        ];
        for (status, code) in table {
            assert_eq!(status.code(), code, "{status}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let status = publish_failed(&PublishError::AttemptFailed("é".repeat(5000)));
        assert!(status.message().len() <= TEXT_LIMIT);
        assert!(status.message().ends_with("..."));
    }

    #[test]
    fn a_text_hides_nothing_from_the_kubelet() {
        let text = "it was\nsaid\0 \u{202e}so\u{2069}\u{200b}".to_owned();
        let status = publish_failed(&PublishError::AttemptFailed(text));
        assert_eq!(status.message(), "it was said   so  ");
    }
}
