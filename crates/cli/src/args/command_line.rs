//! Owns the step from `argv` to flags as text: what clap does, with two differences that the Go
//! programs' users need: every unknown flag and stray argument is told, not only the first, and the
//! exit code is ours.
//!
//! Must not know what a flag means. Invariant: no value of a flag is copied into a problem here, since
//! it may be a token.

use std::ffi::OsString;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::flags::{CommandFlags, CommandLine};
use super::problem::{Problems, Wrong};

/// Why `argv` gave no flags.
#[derive(Debug)]
pub(crate) enum NoFlags {
    /// Help or version was asked for: text for standard output.
    Shown(clap::Error),
    /// Nothing was asked for: help for standard error.
    Missing(clap::Error),
    /// Unknown flags, stray arguments, missing values.
    Wrong(Problems),
}

/// Reads `argv`, program name first. Beside the flags it returns what is wrong with the others, so that the
/// values can be judged in the same go.
///
/// # Errors
/// See [`NoFlags`].
pub(crate) fn read(mut arguments: Vec<OsString>) -> Result<(CommandFlags, Problems), NoFlags> {
    let mut problems = Problems::default();
    loop {
        let error = match CommandLine::try_parse_from(&arguments) {
            Ok(line) => return Ok((line.command, problems)),
            Err(error) => error,
        };
        let kind = error.kind();
        if matches!(kind, ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
            return Err(NoFlags::Shown(error));
        }
        if kind == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
            return Err(NoFlags::Missing(error));
        }
        let culprit = note(&mut problems, &error);
        if !remove(&mut arguments, culprit.as_deref()) {
            return Err(NoFlags::Wrong(problems));
        }
    }
}

/// Notes what clap found, and returns the argument to take away before it looks again.
fn note(problems: &mut Problems, error: &clap::Error) -> Option<String> {
    let kind = error.kind();
    if let Some(command) = text(error, ContextKind::InvalidSubcommand) {
        problems.add_without_value(&command, Wrong::new("unknown command", LISTED));
        return None;
    }
    let Some(invalid) = text(error, ContextKind::InvalidArg) else {
        problems.add_without_value("arguments", Wrong::new(first_line(error), ""));
        return None;
    };
    // Of `--token=secret` only the name may be repeated; clap names known flags as `--token <TOKEN>`.
    let name = invalid
        .split(['=', ' '])
        .next()
        .unwrap_or_default()
        .to_owned();
    if kind == ErrorKind::UnknownArgument && name.starts_with('-') {
        let wrong = match text(error, ContextKind::SuggestedArg) {
            Some(similar) => Wrong::new("unknown flag", format!("perhaps {similar}")),
            None => Wrong::new("unknown flag", LISTED),
        };
        problems.add_without_value(&name, wrong);
        return Some(name);
    }
    if kind == ErrorKind::UnknownArgument {
        problems.add(
            "argument",
            &invalid,
            Wrong::new("stray argument", "flags only"),
        );
        return Some(invalid);
    }
    if matches!(kind, ErrorKind::MissingRequiredArgument) {
        problems.add_without_value(&invalid, Wrong::new("missing", "one value"));
        return None;
    }
    problems.add_without_value(&name, Wrong::new("takes a value", format!("{name}=VALUE")));
    Some(name)
}

/// Takes the first argument away that is this one, with or without a value. `false`: it is not there.
fn remove(arguments: &mut Vec<OsString>, culprit: Option<&str>) -> bool {
    let Some(culprit) = culprit else {
        return false;
    };
    let found = arguments.iter().skip(1).position(|argument| {
        let argument = argument.to_string_lossy();
        argument == culprit || argument.split('=').next() == Some(culprit)
    });
    match found {
        Some(index) => {
            arguments.remove(index + 1);
            true
        }
        None => false,
    }
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => Some(texts.join(" ")),
        _ => None,
    }
}

/// What clap says in its first line, without its prefix.
fn first_line(error: &clap::Error) -> String {
    let rendered = error.to_string();
    let line = rendered.lines().next().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

const LISTED: &str = "what help lists";

#[cfg(test)]
mod tests {
    use super::*;

    fn read_words(words: &[&str]) -> Result<(CommandFlags, Problems), NoFlags> {
        let mut arguments = vec![OsString::from("csi-driver-spiffe")];
        arguments.extend(words.iter().map(OsString::from));
        read(arguments)
    }

    fn problems(words: &[&str]) -> Vec<String> {
        match read_words(words) {
            Ok((_, problems)) | Err(NoFlags::Wrong(problems)) => {
                problems.iter().map(ToString::to_string).collect()
            }
            other => panic!("{words:?} gave {other:?}"),
        }
    }

    #[test]
    fn every_form_of_pflag_is_read() {
        let table: &[(&[&str], &str, &str, &str)] = &[
            (&["driver"], "1", "false", ""),
            (&["driver", "-v=3"], "3", "false", ""),
            (&["driver", "-v", "3"], "3", "false", ""),
            (&["driver", "-v3"], "3", "false", ""),
            (&["driver", "--log-level", "3"], "3", "false", ""),
            (&["driver", "-v=1", "--log-level=4"], "4", "false", ""),
            (&["driver", "--require-anchored-chain"], "1", "true", ""),
            (
                &["driver", "--require-anchored-chain=true"],
                "1",
                "true",
                "",
            ),
            (&["driver", "--require-anchored-chain=f"], "1", "f", ""),
            (
                &["driver", "--require-anchored-chain", "-v", "2"],
                "2",
                "true",
                "",
            ),
            (&["driver", "--node-id="], "1", "false", ""),
            (&["driver", "--node-id=a=b"], "1", "false", "a=b"),
            (&["driver", "--node-id", "a"], "1", "false", "a"),
            (&["driver", "--node-id=a", "--node-id=b"], "1", "false", "b"),
            (&["driver", "--node-id=-a"], "1", "false", "-a"),
        ];
        for (words, level, anchored, node) in table {
            let Ok((CommandFlags::Driver(flags), _)) = read_words(words) else {
                panic!("{words:?} was refused");
            };
            assert_eq!(flags.logs.log_level, *level, "{words:?}");
            assert_eq!(flags.require_anchored_chain, *anchored, "{words:?}");
            assert_eq!(flags.node_id, *node, "{words:?}");
        }
    }

    #[test]
    fn every_unknown_flag_and_stray_argument_is_told() {
        assert_eq!(
            problems(&[
                "driver",
                "--nod-id=x",
                "stray",
                "-x",
                "--what=ever",
                "--node-id=n",
                "--",
                "end"
            ]),
            [
                "--nod-id: unknown flag; allowed: perhaps --node-id",
                "argument=\"stray\": stray argument; allowed: flags only",
                "-x: unknown flag; allowed: what help lists",
                "--what: unknown flag; allowed: what help lists",
                "argument=\"end\": stray argument; allowed: flags only",
            ]
        );
    }

    #[test]
    fn a_flag_without_its_value_is_told_with_the_others() {
        assert_eq!(
            problems(&["driver", "--bogus", "--node-id"]),
            [
                "--bogus: unknown flag; allowed: what help lists",
                "--node-id: takes a value; allowed: --node-id=VALUE",
            ]
        );
    }

    #[test]
    fn an_unknown_command_is_told() {
        assert_eq!(
            problems(&["drive"]),
            ["drive: unknown command; allowed: what help lists"]
        );
    }

    #[test]
    fn the_value_of_a_misspelt_flag_is_not_repeated() {
        let lines = problems(&["driver", "--tokenn=very-secret"]).join("\n");

        assert!(!lines.contains("very-secret"), "{lines}");
    }

    #[test]
    fn an_argument_that_is_not_text_is_refused_without_a_crash() {
        use std::os::unix::ffi::OsStringExt as _;
        let arguments = vec![
            OsString::from("csi-driver-spiffe"),
            OsString::from("driver"),
            OsString::from_vec(b"--node-id=\xff".to_vec()),
        ];

        assert!(matches!(read(arguments), Err(NoFlags::Wrong(_))));
    }
}
