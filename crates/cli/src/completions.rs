//! Owns `completions`: what a shell reads to complete commands and flags.
//!
//! Must not know a command or a flag; the command line's own definition has them.

use std::io::{self, Write as _};

use anyhow::Context as _;
use clap_complete::{Shell, generate};

use crate::args;

/// Prints them.
///
/// # Errors
/// Standard output is closed.
pub(crate) fn print(shell: Shell) -> anyhow::Result<()> {
    let mut definition = args::definition();
    let name = definition.get_name().to_owned();
    // It takes errors of its writer for a fault of the program, and memory has none.
    let mut script = Vec::new();
    generate(shell, &mut definition, name, &mut script);
    let mut stdout = io::stdout();
    stdout
        .write_all(&script)
        .and_then(|()| stdout.flush())
        .context("writing the completions")
}
