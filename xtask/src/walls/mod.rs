//! Owns the walls between the rooms of the workspace: which crate may depend on which, what must
//! not be in a build, and that there are no unused source files or dependencies.
//!
//! Each check is a function from facts to violations; only this file and [`facts`] ask cargo.
//! Invariant: a room that the tables do not know is a violation, so a new crate is a decision.

mod facts;
mod orphans;
mod rooms;
mod trees;
mod unused;

use anyhow::{Result, bail};

/// Checks all walls and prints every violation.
///
/// # Errors
/// There is a violation, or cargo did not answer.
pub(crate) fn check() -> Result<()> {
    let packages = facts::packages()?;
    let mut violations = rooms::violations(&packages);
    for tree in trees::TREES {
        violations.extend(trees::violations(tree, &facts::tree(tree.arguments)?));
    }
    for package in &packages {
        let sources = facts::sources(&package.folder)?;
        violations.extend(orphans::violations(&package.roots, &sources));
        violations.extend(unused::violations(package, &sources));
    }
    for violation in &violations {
        eprintln!("wall: {violation}");
    }
    if violations.is_empty() {
        println!(
            "walls: {} crates, {} builds, all sound",
            packages.len(),
            trees::TREES.len()
        );
        return Ok(());
    }
    bail!(
        "{} walls are broken; see xtask/src/walls for what each is for",
        violations.len()
    )
}
