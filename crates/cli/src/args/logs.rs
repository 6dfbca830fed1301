//! Owns `--log-level` and `--log-format`.
//!
//! Must not know how logs are written. Invariant: a level is a number as klog takes it.

use super::flags::LogFlags;
use super::problem::{Problems, Wrong};

/// How much is logged, and in what format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogArgs {
    /// 0 logs least; above 5 nothing more is logged.
    pub(crate) level: u32,
    pub(crate) format: LogFormat,
}

/// Format of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

impl LogArgs {
    /// Checks both values. `None`: at least one problem was noted.
    pub(crate) fn from_flags(flags: &LogFlags, problems: &mut Problems) -> Option<Self> {
        let level = problems.check("--log-level", &flags.log_level, |text| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            match text.parse::<u32>() {
                Ok(level) if digits => Ok(level),
                _ => Err(Wrong::new("is not a log level", "a number from 0 to 5")),
            }
        });
        let format = problems.check("--log-format", &flags.log_format, |text| match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err(Wrong::new("is not a log format", "text or json")),
        });
        Some(Self {
            level: level?,
            format: format?,
        })
    }
}
