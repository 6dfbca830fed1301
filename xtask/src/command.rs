//! Running other programs to their end.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// Runs a program and returns its output.
///
/// # Errors
/// When it cannot be started or fails: its name, arguments and what it said.
pub fn text(command: &mut Command) -> Result<String> {
    let output = command.output();
    let output = output.with_context(|| format!("starting {}", line(command)))?;
    if !output.status.success() {
        let (printed, said) = (lossy(&output.stdout), lossy(&output.stderr));
        bail!("{}: {} {printed}{said}", line(command), output.status);
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The program's file name and its arguments.
fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let words = program.file_name().into_iter().chain(command.get_args());
    let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
    words.join(" ")
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}
