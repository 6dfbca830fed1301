//! The tasks by name.

use std::process::ExitCode;

use anyhow::Result;

use crate::{check, codegen, walls};

/// Runs the task that the arguments name. Exit code 64 where they name none.
pub(crate) fn run(mut arguments: impl Iterator<Item = String>) -> ExitCode {
    let name = arguments.next().unwrap_or_default();
    let task = TASKS.iter().find(|task| task.name == name);
    let (Some(task), None) = (task, arguments.next()) else {
        eprintln!("usage: cargo xtask TASK");
        for task in TASKS {
            eprintln!("  {:10}{}", task.name, task.does);
        }
        return ExitCode::from(64);
    };
    match (task.run)() {
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
    run: fn() -> Result<()>,
}

const TASKS: &[Task] = &[
    Task {
        name: "check",
        does: "everything that CI runs",
        run: check::run,
    },
    Task {
        name: "codegen",
        does: "makes the gRPC code of crates/api anew",
        run: codegen::write,
    },
    Task {
        name: "walls",
        does: "checks what each crate may know",
        run: walls::check,
    },
];
