//! Owns the command line of `inspect`.
//!
//! Must not look into the folder. Invariant: as for the other commands, all problems are reported
//! at once.

use std::path::PathBuf;

use svid_node::driver::FileNames;

use super::file_names;
use super::flags::InspectFlags;
use super::problem::{Problems, Wrong};

/// What to look at, and how to print the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InspectArgs {
    pub(crate) folder: PathBuf,
    pub(crate) output: Output,
    pub(crate) names: FileNames,
}

/// Format of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Text,
    Json,
}

impl InspectArgs {
    /// Checks all values. `None`: at least one problem was noted.
    pub(super) fn from_flags(flags: &InspectFlags, problems: &mut Problems) -> Option<Self> {
        let output = problems.check("--output", &flags.output, |text| match text {
            "text" => Ok(Output::Text),
            "json" => Ok(Output::Json),
            _ => Err(Wrong::new("is not a form of output", "text or json")),
        });
        let names = file_names::from_flags(&flags.file_names, problems);
        Some(Self {
            folder: flags.folder.clone(),
            output: output?,
            names: names?,
        })
    }
}
