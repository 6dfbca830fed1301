//! Owns how logs are written: to standard error, as text or JSON, and how much of them.
//!
//! Must not know what is logged.

mod filter;
mod json;
mod line;
#[cfg(test)]
mod tests;

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing_subscriber::fmt::time::SystemTime;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt, registry};

use crate::args::{LogArgs, LogFormat};
use filter::filter;
use json::JsonLines;

/// Starts logging, once in the life of the process.
///
/// # Errors
/// Logging was started before.
pub(crate) fn start(args: LogArgs) -> anyhow::Result<()> {
    let filter = filter(args.level);
    let output = match args.format {
        LogFormat::Text => fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .with_filter(filter)
            .boxed(),
        LogFormat::Json => JsonLines::new(std::io::stderr, SystemTime)
            .with_filter(filter)
            .boxed(),
    };
    registry().with(output).try_init().context("starting logs")
}
