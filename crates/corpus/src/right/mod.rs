//! Requests that must be approved.

mod extensions;
mod keys;
mod libraries;
mod objects;

use crate::World;
use crate::case::{Case, Cases, Expect};

/// Every valid form: each allowed key, each allowed extension and order, each form that the Go
/// driver's versions send, and what other libraries write.
///
/// What others wrote has the identity of the default world, and is left out in any other.
#[must_use]
pub fn right(world: &World) -> Vec<Case> {
    let mut cases = Cases::new(world);
    cases.right_keys();
    cases.hashes();
    cases.lists_of_extensions();
    cases.orders();
    cases.right_objects();
    cases.right_texts();
    cases.libraries();
    if world.identity() == crate::VALID_ID {
        cases.programs();
    }
    cases.finish()
}

impl Cases<'_> {
    fn right(&mut self, name: impl Into<String>, pem: Vec<u8>) {
        self.add(name, Expect::Approve, self.world.around(pem));
    }
}
