//! Owns the command line of `inspect`.
//!
//! Must not look into the folder. Invariant: as for the other commands, all problems are told at once.

use std::path::PathBuf;

use svid_node::volume::FileNames;

use super::file_names;
use super::flags::InspectFlags;
use super::problem::{Problems, Wrong};

/// What to look at, and how to say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InspectArgs {
    pub(crate) folder: PathBuf,
    pub(crate) output: Output,
    pub(crate) names: FileNames,
}

/// Form of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Text,
    Json,
}

impl InspectArgs {
    /// Checks all values.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(crate) fn from_flags(flags: &InspectFlags) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let output = problems.check("--output", &flags.output, |text| match text {
            "text" => Ok(Output::Text),
            "json" => Ok(Output::Json),
            _ => Err(Wrong::new("is not a form of output", "text or json")),
        });
        let names = file_names::from_flags(&flags.file_names, &mut problems);
        match (output, names) {
            (Some(output), Some(names)) => Ok(Self {
                folder: flags.folder.clone(),
                output,
                names,
            }),
            _ => Err(problems),
        }
    }
}
