//! Owns `inspect`: what is in a volume's folder, and whether it is a good SVID.
//!
//! Must not judge a certificate itself, that is `svid_core::svid::examine`; what is judged here is
//! what only a file system knows: which files there are, and who may read them. Invariant: no byte
//! of the key is printed.

mod files;
mod report;
mod text;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use jiff::Timestamp;

use crate::args::{InspectArgs, Output};
use files::Folder;
use report::Report;

/// Looks at the folder and prints the result. The exit code is 0 for a good SVID and 1 for any
/// other.
///
/// # Errors
/// The folder cannot be read, or standard output is closed.
pub(crate) fn run(args: &InspectArgs) -> anyhow::Result<ExitCode> {
    let report = look(args, Timestamp::now())?;
    let mut output = anstream::stdout();
    match args.output {
        Output::Text => text::write(&mut output, &report),
        Output::Json => serde_json::to_writer_pretty(&mut output, &report)
            .map_err(Into::into)
            .and_then(|()| writeln!(output)),
    }
    .context("writing the answer")?;
    Ok(if report.good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn look(args: &InspectArgs, now: Timestamp) -> anyhow::Result<Report> {
    let metadata = std::fs::metadata(&args.folder)
        .with_context(|| format!("looking at {}", args.folder.display()))?;
    if !metadata.is_dir() {
        bail!("looking at {}: not a folder", args.folder.display());
    }
    let folder = Folder::read(&args.folder, &args.names);
    Ok(Report::new(&args.folder, &folder, now))
}
