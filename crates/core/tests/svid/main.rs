//! X.509-SVIDs good and bad, made here by another hand than the one that checks them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is a test, whole functions of which are not marked as one"
)]

mod bundle;
mod chain;
mod examine;
mod fixtures;
mod garbage;
mod key;
mod spiffe_library;
