//! Every flag and every rule of `driver` and `approver`, through the whole command line.

#[cfg(feature = "demo")]
mod man;
mod refused;
mod taken;

use super::*;

const NEEDED: [&str; 3] = [
    "--node-id=node-1",
    "--data-root=csi-data-dir",
    "--endpoint=unix://plugin/csi.sock",
];

fn parse_words(words: &[&str]) -> Result<Command, NoFlags> {
    let program = std::iter::once("csi-driver-spiffe");
    parse(
        program
            .chain(words.iter().copied())
            .map(OsString::from)
            .collect(),
    )
}

fn problems_of(outcome: Result<Command, NoFlags>) -> Vec<String> {
    match outcome {
        Ok(_) => Vec::new(),
        Err(NoFlags::Wrong(problems)) => problems.iter().map(ToString::to_string).collect(),
        Err(other) => panic!("{other:?}"),
    }
}

/// What is wrong with `driver`, given what it needs and these flags.
fn driver_problems(words: &[&str]) -> Vec<String> {
    problems_of(parse_words(&[&["driver"][..], &NEEDED, words].concat()))
}

fn driver(words: &[&str]) -> Role<svid_node::driver::Configuration> {
    match parse_words(&[&["driver"][..], &NEEDED, words].concat()) {
        Ok(Command::Driver(role)) => *role,
        other => panic!("{words:?} gave {other:?}"),
    }
}

fn approver_problems(words: &[&str]) -> Vec<String> {
    problems_of(parse_words(&[&["approver"][..], words].concat()))
}

fn approver(words: &[&str]) -> Role<svid_approver::Configuration> {
    match parse_words(&[&["approver"][..], words].concat()) {
        Ok(Command::Approver(role)) => *role,
        other => panic!("{words:?} gave {other:?}"),
    }
}
