//! Signing requests, right and hostile, made by code so that each is named by its one fault.
//!
//! Owns the corpora that the policy is tested against, here as values and on a real API server as
//! objects. Must not know the driver or the approver, whose tests take it, and must not be in
//! anything that ships. Invariant: every case differs from a right one in what its name says and in
//! nothing else, so what refuses it is its own rule.
//!
//! | module | owns |
//! | --- | --- |
//! | `craft` | writes any signing request at all, and signs it |
//! | `world` | the right object around one, and the policy it is judged by |
//! | `right`, `hostile`, `foreigners` | the three corpora: to approve, to deny, to leave alone |
//! | `export` | the corpora as objects for a real API server |

#![allow(
    missing_docs,
    reason = "nothing of it ships: what a name says here is not said again"
)]
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a crate for tests: what cannot be made, and a promise that is broken, must be loud"
)]

mod case;
pub mod craft;
pub mod export;
pub mod foreigners;
pub mod hostile;
pub mod right;
mod world;

pub use case::{Case, Expect};
pub use craft::RIGHT_ID;
pub use world::{
    CSI_DRIVER, DRIVER, POD_NAME, POD_UID, USAGES, World, around, by_driver, claims, node_attested,
    owner, policy,
};

/// All orders of four things.
pub(crate) fn orders() -> impl Iterator<Item = [usize; 4]> {
    (0..256)
        .map(|code| [code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6])
        .filter(|order| (0..4).all(|wanted| order.contains(&wanted)))
}
