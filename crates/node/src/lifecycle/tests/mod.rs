//! A node's volumes from publish to removal, with fakes around them and a clock that the test sets.

mod adoption;
mod attested;
mod bundle;
mod certificate;
mod ending;
mod failure;
mod fake;
mod first;
mod recovery;
mod removal;
mod renewal;
mod sharing;
mod token;
mod waiting;
mod weeks;
mod world;
