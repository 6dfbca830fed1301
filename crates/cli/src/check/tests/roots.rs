//! The roots.

use serde_json::json;

use super::world::{certificates, read};
use super::{Check, Grade, assert_found};
use crate::check::look::Source;
use crate::check::look::objects::ConfigMap;
use crate::check::snapshot::{Seen, Snapshot};

use Grade::{Error, Warning};

/// The ConfigMap with the roots.
fn roots(world: &mut Snapshot) -> &mut Seen<Option<ConfigMap>> {
    &mut world.roots.as_mut().unwrap().found
}

/// Has the file of the roots another source.
fn from(world: &mut Snapshot, source: Source) {
    world.roots.as_mut().unwrap().source = source;
    *roots(world) = Ok(None);
}

fn with_roots(pem: &str) -> Seen<Option<ConfigMap>> {
    Ok(Some(read(json!({"data": {"ca.crt": pem}}))))
}

#[test]
fn what_is_wrong_with_the_roots_is_named() {
    assert_found(&[
        (
            "none",
            |world| world.roots = None,
            &[(Check::RootsThere, Warning)],
        ),
        (
            "by subPath",
            |world| from(world, Source::SubPath),
            &[(Check::RootsThere, Error)],
        ),
        (
            "from a projected volume",
            |world| from(world, Source::Projected),
            &[(Check::RootsThere, Grade::Unseen)],
        ),
        (
            "no ConfigMap",
            |world| *roots(world) = Ok(None),
            &[(Check::RootsThere, Error)],
        ),
        (
            "another key",
            |world| *roots(world) = Ok(Some(read(json!({"data": {"root.pem": "x"}})))),
            &[(Check::RootsThere, Error)],
        ),
        (
            "in binaryData",
            |world| *roots(world) = Ok(Some(read(json!({"binaryData": {"ca.crt": "eA=="}})))),
            &[(Check::RootsThere, Grade::Unseen)],
        ),
        (
            "garbage",
            |world| *roots(world) = with_roots("garbage"),
            &[(Check::RootsGood, Error)],
        ),
        (
            "of another CA",
            |world| *roots(world) = with_roots(&certificates("other", "2027-11-25T00:00:00Z").0),
            &[(Check::RootsLead, Error)],
        ),
        (
            "that ends soon",
            |world| {
                let (root, _) = certificates("soon", "2026-12-20T00:00:00Z");
                world.requests = Ok(Vec::new());
                *roots(world) = with_roots(&root);
            },
            &[
                (Check::RootsGood, Warning),
                (Check::RootsLead, Grade::Skipped),
            ],
        ),
        (
            "that have ended",
            |world| {
                let (root, _) = certificates("over", "2026-11-01T00:00:00Z");
                world.requests = Ok(Vec::new());
                *roots(world) = with_roots(&root);
            },
            &[
                (Check::RootsGood, Error),
                (Check::RootsLead, Grade::Skipped),
            ],
        ),
    ]);
}
