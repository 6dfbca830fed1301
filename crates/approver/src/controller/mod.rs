//! From watch to decision.
//!
//! One task owns the index and does nothing slow: it processes events of the watch, the lease and
//! the issuer, and hands undecided requests to a bounded number of workers. Nothing polls; a
//! request is considered when it appears or changes, or when something it depends on changes.
//!
//! ```text
//! watch ──> candidate ──> index ──> worker ──> policy ──> status (PATCH)
//!                          │ ^        │
//!              lease, issuers └────────┘ how it ended
//! ```
//!
//! | file | job |
//! | --- | --- |
//! | `candidate` | what an object requests, in the policy's words |
//! | `kept` | how much of a request is kept until it is decided |
//! | `index` | which requests wait, are worked on, rest, and whose turn it is |
//! | `dispatch` | the task that owns the index |
//! | `worker` | one decision, from policy to PATCH |
//! | `failure` | why one fails, what would mend it, when to try again |
//! | `bystander` | decisions that are not ours |

mod bystander;
mod candidate;
mod dispatch;
mod failure;
mod index;
mod kept;
mod worker;

#[cfg(feature = "testing")]
pub(crate) use candidate::{Classified, Requested};
pub(crate) use dispatch::Controller;
pub(crate) use worker::Worker;
