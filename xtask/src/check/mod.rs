//! Owns the list of what a change must pass, the same for a contributor and for CI.
//!
//! Invariant: the tests come last, so their summary is the end of the output.

use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::{repository, walls};

/// Runs all steps in order and stops at the first that fails.
///
/// # Errors
/// Names the step, the command and what to do about it.
pub(crate) fn run() -> Result<()> {
    let start = Instant::now();
    for step in STEPS {
        println!("\n=== {} ({} s) ===", step.name, start.elapsed().as_secs());
        step.run()
            .with_context(|| format!("{} failed; {}", step.name, step.advice))?;
    }
    Ok(())
}

struct Step {
    name: &'static str,
    action: Action,
    /// What to do when it fails.
    advice: &'static str,
}

enum Action {
    Walls,
    Cargo {
        arguments: &'static [&'static str],
        environment: &'static [(&'static str, &'static str)],
    },
}

impl Step {
    fn run(&self) -> Result<()> {
        match self.action {
            Action::Walls => walls::check(),
            Action::Cargo {
                arguments,
                environment,
            } => {
                let line = arguments.join(" ");
                println!("cargo {line}");
                let status = repository::cargo(arguments)
                    .envs(environment.iter().copied())
                    .status()
                    .with_context(|| format!("starting cargo {line}"))?;
                if !status.success() {
                    bail!("cargo {line}: {status}");
                }
                Ok(())
            }
        }
    }
}

const fn cargo(
    name: &'static str,
    arguments: &'static [&'static str],
    advice: &'static str,
) -> Step {
    Step {
        name,
        action: Action::Cargo {
            arguments,
            environment: &[],
        },
        advice,
    }
}

const STEPS: &[Step] = &[
    cargo(
        "format",
        &["fmt", "--all", "--check"],
        "run `cargo fmt --all`",
    ),
    Step {
        name: "walls",
        action: Action::Walls,
        advice: "each line above names the crate or file; the tables are in xtask/src/walls",
    },
    cargo(
        "lints",
        &[
            "clippy",
            "--locked",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ],
        "run the command above; an exception needs `#[expect(.., reason = \"..\")]`",
    ),
    cargo(
        "lints of the program as it ships",
        &[
            "clippy",
            "--locked",
            "--package",
            "csi-driver-spiffe",
            "--no-default-features",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ],
        "what only the demo uses must be behind the feature `demo`",
    ),
    cargo(
        "the pure crates alone",
        &[
            "check",
            "--locked",
            "--package",
            "svid-core",
            "--package",
            "svid-api",
        ],
        "their manifests must name every feature that they use",
    ),
    Step {
        name: "documentation",
        action: Action::Cargo {
            arguments: &["doc", "--locked", "--workspace", "--no-deps"],
            environment: &[("RUSTDOCFLAGS", "-D warnings")],
        },
        advice: "links in documentation must lead somewhere",
    },
    cargo(
        "licences, sources and bans",
        &[
            "deny",
            "--locked",
            "--all-features",
            "check",
            "bans",
            "licenses",
            "sources",
        ],
        "deny.toml holds the rules; `.ci/run` installs cargo-deny where it is missing",
    ),
    cargo(
        "tests",
        &["test", "--workspace"],
        "run `cargo test --workspace`; each failed test is named above",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_of_the_readme_come_last() {
        let last = STEPS.last().unwrap();
        let Action::Cargo { arguments, .. } = last.action else {
            panic!("not a cargo command")
        };
        assert_eq!(arguments, ["test", "--workspace"]);
    }
}
