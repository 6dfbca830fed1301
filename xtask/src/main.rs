//! Tasks of this repository: `cargo xtask <task>`. Knows the repository and cargo; nothing that
//! ships depends on it.

mod codegen;
mod repository;

use std::process::ExitCode;

fn main() -> ExitCode {
    let task = std::env::args().nth(1).unwrap_or_default();
    let done = match task.as_str() {
        "codegen" => codegen::write(),
        _ => Err(anyhow::anyhow!("unknown task")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {task}: {error:#}");
            ExitCode::FAILURE
        }
    }
}
