//! What the tasks of this repository, and the tests on a real cluster, have in common: the location
//! of the repository, other programs, and images. Knows the repository and cargo; nothing that
//! ships depends on it.

#![expect(clippy::print_stdout, reason = "for programs on the terminal")]

pub mod command;
mod hash;
pub mod image;
pub mod programs;
pub mod project;
pub mod release;
pub mod repository;
pub mod wait;
