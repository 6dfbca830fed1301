//! A node's volumes from publish to removal, with fakes around them and a clock that is set.

mod bundle;
mod certificate;
mod failure;
mod fake;
mod first;
mod renewal;
mod token;
mod world;
