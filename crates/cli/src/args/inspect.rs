//! Owns the command line of `inspect`.
//!
//! Must not look into the folder. Invariant: as for the other commands, all problems are reported
//! at once.

use std::path::PathBuf;
use std::time::Duration;

use svid_core::identity::SpiffeId;
use svid_node::driver::FileNames;

use super::file_names;
use super::flags::InspectFlags;
use super::problem::{Problems, Wrong};
use super::status::{self, PodName};
use super::values::{self, Output};

/// What to look at, what to expect, and how to print the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InspectArgs {
    pub(crate) place: InspectTarget,
    /// The SPIFFE ID to expect; `None`: any, or that of the pod.
    pub(crate) expected_id: Option<SpiffeId>,
    /// How long it must still be valid.
    pub(crate) min_left: Duration,
    pub(crate) stay: Stay,
    pub(crate) output: Output,
}

/// When to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stay {
    /// After one look.
    Leave,
    /// At a signal.
    Watch,
}

/// Where the files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum InspectTarget {
    /// In this folder, under these names.
    Folder { folder: PathBuf, names: FileNames },
    /// Where the driver says. `None`: the driver in this container.
    Pod {
        pod: PodName,
        socket: Option<PathBuf>,
    },
}

impl InspectArgs {
    /// Checks all values. `None`: at least one problem was noted.
    pub(super) fn from_flags(flags: &InspectFlags, problems: &mut Problems) -> Option<Self> {
        let output = problems.check("--output", &flags.output, values::output);
        let names = file_names::from_flags(&flags.file_names, problems);
        let pod = problems.check_optional("--pod", &flags.pod, PodName::parse);
        let socket = status::socket(&flags.socket, problems);
        let expected_id = problems.check_optional("--expect-id", &flags.expect_id, SpiffeId::parse);
        let min_left = problems.check("--min-left", &flags.min_left, values::duration);
        let stay = problems.check("--watch", &flags.watch, |text| {
            values::either(text, Stay::Leave, Stay::Watch)
        });
        let place = match (&flags.folder, pod?) {
            (Some(folder), None) => InspectTarget::Folder {
                folder: folder.clone(),
                names: names?,
            },
            (None, Some(pod)) => InspectTarget::Pod {
                pod,
                socket: socket?,
            },
            (None, None) => {
                let wrong = Wrong::new("missing", "a directory, or --pod=NAMESPACE/NAME");
                problems.add_without_value("DIR", wrong);
                return None;
            }
            (Some(_), Some(_)) => {
                let wrong = Wrong::new("is given together with DIR", "either one, not both");
                problems.add("--pod", &flags.pod, wrong);
                return None;
            }
        };
        Some(Self {
            place,
            expected_id: expected_id?,
            min_left: min_left?.1,
            stay: stay?,
            output: output?,
        })
    }
}
