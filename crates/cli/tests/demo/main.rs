//! The demo as a user meets it: run as a program, by whoever runs the tests.
//!
//! Where mount namespaces are forbidden these tests fail, with the advice that the demo gives.

#[cfg(test)]
#[cfg(feature = "demo")]
mod program;
#[cfg(test)]
#[cfg(feature = "demo")]
mod runs;
