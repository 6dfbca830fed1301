//! Owns the values that more than one flag takes: booleans, durations, forms of output.
//!
//! Must not know which flag a value belongs to. Invariant: accepts what Go's `strconv.ParseBool`
//! and `time.ParseDuration` accept.

use std::time::Duration;

use clap_complete::Shell;
use svid_api::duration::GoDuration;

use super::problem::Wrong;

/// A boolean as pflag accepts it.
///
/// # Errors
/// Any other text.
pub(crate) fn boolean(text: &str) -> Result<bool, Wrong> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(Wrong::new("is not a boolean", "true or false")),
    }
}

/// One of two values, chosen by a boolean.
///
/// # Errors
/// Not a boolean.
pub(crate) fn either<T>(text: &str, no: T, yes: T) -> Result<T, Wrong> {
    Ok(if boolean(text)? { yes } else { no })
}

/// A Go duration that is not negative, as such and as the standard library's type.
///
/// # Errors
/// Not a Go duration, or a negative one.
pub(crate) fn duration(text: &str) -> Result<(GoDuration, Duration), Wrong> {
    let allowed = "a duration such as 90s, 30m or 1h";
    let parsed = text
        .parse::<GoDuration>()
        .map_err(|error| Wrong::new(error.to_string(), allowed))?;
    match Duration::try_from(parsed) {
        Ok(duration) => Ok((parsed, duration)),
        Err(_negative) => Err(Wrong::new("is negative", allowed)),
    }
}

/// Form of what a command prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Text,
    Json,
}

/// A form of output.
///
/// # Errors
/// Any other text.
pub(crate) fn output(text: &str) -> Result<Output, Wrong> {
    match text {
        "text" => Ok(Output::Text),
        "json" => Ok(Output::Json),
        _ => Err(Wrong::new("is not an output format", "text or json")),
    }
}

/// A shell that has completions.
///
/// # Errors
/// Any other text.
pub(crate) fn shell(text: &str) -> Result<Shell, Wrong> {
    let known = "bash, elvish, fish, powershell or zsh";
    text.parse()
        .map_err(|_unknown| Wrong::new("is a shell without completions", known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_those_of_go() {
        for text in ["1", "t", "T", "true", "TRUE", "True"] {
            assert_eq!(boolean(text), Ok(true), "{text}");
        }
        for text in ["0", "f", "F", "false", "FALSE", "False"] {
            assert_eq!(boolean(text), Ok(false), "{text}");
        }
        for text in ["", "yes", "no", "tRUE", " true", "2", "on"] {
            assert!(boolean(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_those_of_go_and_not_negative() {
        for (text, seconds) in [("1h", 3600), ("1.5m", 90), ("0", 0)] {
            let (go, own) = duration(text).unwrap();
            assert_eq!((Ok(go), own.as_secs()), (own.try_into(), seconds), "{text}");
        }
        for text in [
            "",
            "1",
            "1d",
            "-1s",
            "h",
            "99999999999999999999h",
            "1 h",
            "٣s",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
