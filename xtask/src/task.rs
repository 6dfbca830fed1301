//! The tasks by name.

use std::env;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

use crate::{chart, check, codegen, docs, image, release, repository, sanity, walls};

/// Runs the task that the arguments name. Exit code 64 if there is no such task.
pub(crate) fn run(mut arguments: impl Iterator<Item = String>) -> ExitCode {
    let name = arguments.next().unwrap_or_default();
    let task = TASKS.iter().find(|task| task.name == name);
    let Some(task) = task else {
        eprintln!("usage: cargo xtask TASK");
        for task in TASKS {
            eprintln!("  {:10}{}", task.name, task.does);
        }
        return ExitCode::from(64);
    };
    let arguments: Vec<String> = arguments.collect();
    match (task.run)(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

struct Task {
    name: &'static str,
    does: &'static str,
    run: fn(&[String]) -> Result<()>,
}

/// For tasks that take no arguments.
fn none(arguments: &[String]) -> Result<()> {
    match arguments {
        [] => Ok(()),
        [first, ..] => bail!("{first:?} is not expected here"),
    }
}

/// A task of crates/e2e, whose program takes the place of this one: signals and the exit code are
/// its own. Returns only if it cannot be started.
fn real(task: &str, words: &[String]) -> Result<()> {
    let error = program(&["--package=svid-e2e"])
        .arg(task)
        .args(words)
        // Where the user is: a path in the environment may be relative.
        .current_dir(env::current_dir()?)
        .exec();
    Err(error).context("starting cargo")
}

/// The control plane of the cluster, then the measurements of crates/bench on the binary that
/// ships, unless another one is named. Returns only if something fails.
fn bench(words: &[String]) -> Result<()> {
    let up = program(&["--package=svid-e2e"])
        .args(["cluster", "up"])
        .status()
        .context("starting cargo")?;
    if !up.success() {
        bail!("the cluster did not start: {up}");
    }
    let mut command = program(&["--release", "--package=svid-bench"]);
    if !words.iter().any(|word| word.starts_with("--binary")) {
        command.arg("--binary").arg(image::binary()?);
    }
    let error = command.args(words).current_dir(env::current_dir()?).exec();
    Err(error).context("starting cargo")
}

/// A program of this repository, as `cargo run` selects it; its own arguments come next.
fn program(selection: &[&str]) -> Command {
    let mut command = repository::cargo(&["run", "--quiet", "--manifest-path"]);
    command.arg(repository::root().join("Cargo.toml"));
    command.args(selection).arg("--");
    command
}

const TASKS: &[Task] = &[
    Task {
        name: "check",
        does: "most of what CI runs",
        run: |words| none(words).and_then(|()| check::run()),
    },
    Task {
        name: "chart",
        does: "checks what the Helm chart renders to; --write: README, schema and version",
        run: chart::run,
    },
    Task {
        name: "cluster",
        does: "up [--node], down, status: a real Kubernetes on this machine",
        run: |words| real("cluster", words),
    },
    Task {
        name: "e2e",
        does: "[FILTER]: the chart and the image on the real Kubernetes",
        run: |words| real("e2e", words),
    },
    Task {
        name: "bench",
        does: "[--rounds N] [--json FILE] [--baseline FILE]: measures driver and approver",
        run: bench,
    },
    Task {
        name: "image",
        does: "[--twice] [FILE]: writes the product's container image",
        run: image::run,
    },
    Task {
        name: "release",
        does: "[--push | --registry R]: image, chart, what is known of them, pushed and signed",
        run: release::run,
    },
    Task {
        name: "codegen",
        does: "regenerates the gRPC code of crates/api",
        run: |words| none(words).and_then(|()| codegen::write()),
    },
    Task {
        name: "docs",
        does: "checks the documents' links and quotations",
        run: |words| none(words).and_then(|()| docs::check()),
    },
    Task {
        name: "sanity",
        does: "the CSI conformance tests against the driver",
        run: |words| none(words).and_then(|()| sanity::run()),
    },
    Task {
        name: "walls",
        does: "checks which crate may depend on which",
        run: |words| none(words).and_then(|()| walls::check()),
    },
];
