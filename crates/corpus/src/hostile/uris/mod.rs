//! Wrong identities: texts that some reader takes for the right one.

mod letters;
mod parts;

use svid_core::policy::Rule;

use letters::LETTERS;
use parts::PARTS;

use super::URI;
use crate::World;
use crate::case::{Cases, Expect};
use crate::craft::{Craft, general_name, san};

impl Cases<'_> {
    pub(in crate::hostile) fn uris(&mut self) {
        let world = self.world;
        for (what, uri) in wrong_uris(world) {
            let craft = Craft::new().extensions(&[san(true, &[general_name(URI, &uri)])]);
            let mut request = world.around(craft.pem());
            // The annotation follows, so that it is the identity itself that is refused.
            if let Ok(text) = String::from_utf8(uri) {
                request.identity_annotation = text;
            }
            self.add(
                format!("URI: {what}"),
                Expect::Deny(Rule::Identity),
                request,
            );
        }
    }
}

/// Texts that some reader takes for the right identity, or that a careless one would accept.
#[must_use]
pub fn wrong_uris(world: &World) -> Vec<(&'static str, Vec<u8>)> {
    let identity = world.identity();
    let right = identity.as_bytes();
    let mut all: Vec<_> = PARTS
        .iter()
        .chain(LETTERS)
        .map(|line| {
            let (name, text) = line.split_once(" = ").unwrap();
            (name, world.here(text).into_bytes())
        })
        .collect();
    all.extend([
        ("invalid UTF-8", [right, &[0xff]].concat()),
        (
            "UTF-16",
            identity.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        ),
        ("over-long", [right, &[b'x'; 4000]].concat()),
        ("many segments", [right, &b"/x".repeat(2000)].concat()),
        ("twice in a row", [right, right].concat()),
        (
            "overlong slash",
            world
                .here("spiffe://cluster.local/ns/payments/sa")
                .bytes()
                .chain(*b"\xc0\xafapi")
                .collect(),
        ),
        (
            "Latin-1 letter",
            world
                .here("spiffe://cluster.local/ns/payments/sa/")
                .bytes()
                .chain(*b"\xe1pi")
                .collect(),
        ),
    ]);
    all
}
