//! Owns the step from `argv` to flags as text: what clap does, with two differences that the Go
//! programs' users need: every unknown flag and unexpected argument is reported, not only the
//! first, and the exit code is ours.
//!
//! Must not know what a flag means. Invariant: no value of a flag is copied into a problem here,
//! since it may be a token.

use std::ffi::OsString;

use clap::FromArgMatches as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::flags::{self, CommandFlags, CommandLine};
use super::problem::{Problems, Wrong};

/// Why `argv` yielded no flags.
#[derive(Debug)]
pub(crate) enum NoFlags {
    /// Help or version was requested: text for standard output.
    Shown(clap::Error),
    /// No command was given: help for standard error.
    Missing(clap::Error),
    /// Unknown flags, unexpected arguments, missing values.
    Wrong(Problems),
}

/// Reads `argv`, program name first. Beside the flags it returns what is wrong with the others, so
/// that the values can be checked at the same time.
///
/// # Errors
/// See [`NoFlags`].
pub(crate) fn read(mut arguments: Vec<OsString>) -> Result<(CommandFlags, Problems), NoFlags> {
    let mut problems = Problems::default();
    loop {
        let error = match parse(&arguments) {
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
        note(&mut problems, &error);
        let culprit =
            culprit(&arguments).filter(|_| text(&error, ContextKind::InvalidArg).is_some());
        let Some(culprit) = culprit else {
            return Err(NoFlags::Wrong(problems));
        };
        arguments.remove(culprit);
    }
}

fn parse(arguments: &[OsString]) -> Result<CommandLine, clap::Error> {
    let matches = flags::command().try_get_matches_from(arguments)?;
    CommandLine::from_arg_matches(&matches)
}

/// Notes what clap found first.
fn note(problems: &mut Problems, error: &clap::Error) {
    if let Some(command) = text(error, ContextKind::InvalidSubcommand) {
        let similar = text(error, ContextKind::SuggestedSubcommand);
        let wrong = Wrong::new("unknown command", perhaps(similar));
        return problems.add_without_value(&command, wrong);
    }
    let Some(invalid) = text(error, ContextKind::InvalidArg) else {
        return problems.add_without_value("arguments", Wrong::new(first_line(error), ""));
    };
    // Only the name of `--token=secret` may be repeated; clap names known flags as
    // `--token <TOKEN>`.
    let name = invalid.split(['=', ' ']).next().unwrap_or_default();
    let is_unknown = error.kind() == ErrorKind::UnknownArgument;
    let wrong = if is_unknown && name.starts_with('-') {
        let similar = text(error, ContextKind::SuggestedArg);
        Wrong::new("unknown flag", perhaps(similar))
    } else if is_unknown {
        let wrong = Wrong::new("unexpected argument", "flags only");
        return problems.add("argument", &invalid, wrong);
    } else if error.kind() == ErrorKind::MissingRequiredArgument {
        return problems.add_without_value(&invalid, Wrong::new("missing", "one value"));
    } else {
        Wrong::new("takes a value", format!("{name}=VALUE"))
    };
    problems.add_without_value(name, wrong);
}

/// The position of the argument that clap refuses. It reads from the left and stops there, so the
/// culprit follows the longest prefix that at most lacks something. `None`: one is missing, none is
/// wrong.
fn culprit(arguments: &[OsString]) -> Option<usize> {
    let is_fine = |words: &[OsString]| match parse(words) {
        Ok(_) => true,
        Err(error) => matches!(
            error.kind(),
            ErrorKind::MissingRequiredArgument
                | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        ),
    };
    let longest = (1..=arguments.len())
        .rev()
        .find(|&length| arguments.get(..length).is_some_and(is_fine))?;
    (longest < arguments.len()).then_some(longest)
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => Some(texts.join(" or ")),
        _ => None,
    }
}

/// What may have been meant; clap compares the letters.
fn perhaps(similar: Option<String>) -> String {
    similar.map_or(LISTED.to_owned(), |similar| format!("perhaps {similar}"))
}

/// The first line of clap's message, without its prefix.
fn first_line(error: &clap::Error) -> String {
    let rendered = error.to_string();
    let line = rendered.lines().next().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

const LISTED: &str = "one of those that help lists";

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
                "argument=\"stray\": unexpected argument; allowed: flags only",
                "-x: unknown flag; allowed: one of those that help lists",
                "--what: unknown flag; allowed: one of those that help lists",
                "argument=\"end\": unexpected argument; allowed: flags only",
            ]
        );
    }

    #[test]
    fn a_value_that_is_equal_to_a_wrong_argument_stays() {
        let words = ["driver", "--user", "end", "--bogus", "--node-id=n", "end"];
        let Ok((CommandFlags::Driver(flags), problems)) = read_words(&words) else {
            panic!("not read");
        };
        assert_eq!((&*flags.connection.user, &*flags.node_id), ("end", "n"));
        assert_eq!(problems.len(), 2);
    }

    #[test]
    fn a_flag_without_its_value_is_told_with_the_others() {
        assert_eq!(
            problems(&["driver", "--bogus", "--node-id"]),
            [
                "--bogus: unknown flag; allowed: one of those that help lists",
                "--node-id: takes a value; allowed: --node-id=VALUE",
            ]
        );
    }

    #[test]
    fn an_unknown_command_is_told_with_the_one_that_may_be_meant() {
        for (word, allowed) in [
            ("drive", "perhaps driver"),
            ("statsu", "perhaps status"),
            ("inspct", "perhaps inspect"),
            ("xyzzy", "one of those that help lists"),
        ] {
            assert_eq!(
                problems(&[word]),
                [format!("{word}: unknown command; allowed: {allowed}")]
            );
        }
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
