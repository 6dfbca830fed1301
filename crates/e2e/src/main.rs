//! A real Kubernetes on this machine, and the product on it: `cargo xtask cluster` and
//! `cargo xtask e2e`.
//!
//! Knows the repository, through xtask's library, but nothing of the product's code: it tests the
//! chart and the image.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]

mod cluster;
mod scenarios;

use std::process::ExitCode;

use xtask::{command, image, programs, repository, wait};

/// Runs the task named by the first argument. Exit code 64 if there is none of that name.
fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next().unwrap_or_default();
    let words: Vec<String> = arguments.collect();
    let outcome = match task.as_str() {
        "cluster" => cluster::run(&words),
        "e2e" => scenarios::run(&words),
        _ => {
            eprintln!("usage: cargo xtask cluster WORDS, cargo xtask e2e [FILTER]");
            return ExitCode::from(64);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {task}: {error:#}");
            ExitCode::FAILURE
        }
    }
}
