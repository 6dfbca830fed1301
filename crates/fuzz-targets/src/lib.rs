//! The code of the fuzz targets, so that the replay on a stable toolchain runs the same and no
//! target can rot.
//!
//! Owns the promises that hold for any input: each function panics when one is broken. Must not
//! know its callers, and must not be in anything that ships. Invariant: the same bytes take the
//! same path, whatever ran before.
//!
//! | module | owns |
//! | --- | --- |
//! | `csr`, `pem` | what reads signing requests and PEM, the approver's and the driver's |
//! | `spiffe_id` | what reads names |
//! | `token`, `volume_context` | what reads the kubelet's calls |
//! | `list_item`, `watch_event` | what reads requests from the API server, the client's and the approver's |
//! | `stored` | such a request, and what must hold of any |
//! | `pod` | what reads the Pod that a decision rests on |
//! | `kubelet` | such a call, right before a target changes it |
//! | `reading` | the other X.509 libraries, which must read the same |

#![allow(
    missing_docs,
    reason = "nothing of it ships: what a name says here is not said again"
)]
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a crate for tests: what cannot be made, and a promise that is broken, must be loud"
)]

mod csr;
mod kubelet;
mod list_item;
mod pem;
mod pod;
mod reading;
mod spiffe_id;
mod stored;
mod token;
mod volume_context;
mod watch_event;

pub use csr::csr;
pub use list_item::list_item;
pub use pem::pem;
pub use pod::pod;
pub use spiffe_id::spiffe_id;
pub use token::token;
pub use volume_context::volume_context;
pub use watch_event::watch_event;

/// One target: its name, what it does, and what it starts from.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of the program in `fuzz/fuzz_targets` and of the folder in `fuzz/kept`.
    pub name: &'static str,
    /// Takes any bytes; panics when a promise is broken.
    pub run: fn(&[u8]),
    /// Inputs that reach every part of it, made from the corpora.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

pub const TARGETS: &[Target] = &[
    Target {
        name: "csr",
        run: csr,
        seeds: csr::seeds,
    },
    Target {
        name: "list_item",
        run: list_item,
        seeds: list_item::seeds,
    },
    Target {
        name: "pem",
        run: pem,
        seeds: pem::seeds,
    },
    Target {
        name: "pod",
        run: pod,
        seeds: pod::seeds,
    },
    Target {
        name: "spiffe_id",
        run: spiffe_id,
        seeds: spiffe_id::seeds,
    },
    Target {
        name: "token",
        run: token,
        seeds: token::seeds,
    },
    Target {
        name: "volume_context",
        run: volume_context,
        seeds: volume_context::seeds,
    },
    Target {
        name: "watch_event",
        run: watch_event,
        seeds: watch_event::seeds,
    },
];

/// Text shown to untrusted parties: bounded, and without a byte that a terminal or log acts upon.
fn assert_tellable(text: &str, limit: usize) {
    assert!(text.len() <= limit, "{} bytes: {text:?}", text.len());
    assert!(!text.chars().any(char::is_control), "{text:?}");
}
