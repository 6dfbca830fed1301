//! Requests that must be denied, each for one fault.

mod annotations;
mod encoding;
mod extensions;
mod keys;
mod names;
mod objects;
mod owners;
mod subjects;
mod texts;
mod uris;
mod usages;

pub use uris::wrong_uris;

use svid_core::der;

use crate::World;
use crate::case::{Case, Cases};

/// Every hostile request, with a rule that must object to it.
#[must_use]
pub fn hostile(world: &World) -> Vec<Case> {
    let mut cases = Cases::new(world);
    cases.uris();
    cases.second_names();
    cases.other_names();
    cases.lists_of_names();
    cases.subjects();
    cases.attributes();
    cases.extensions();
    cases.encodings();
    cases.other_bytes();
    cases.further_bytes();
    cases.texts();
    cases.keys();
    cases.forms_of_keys();
    cases.signatures();
    cases.usages();
    cases.durations();
    cases.strangers();
    cases.replays();
    cases.owners();
    cases.claims();
    cases.objects();
    cases.annotations();
    cases.finish()
}

/// The tag of a URI among GeneralNames.
const URI: u8 = der::URI;
