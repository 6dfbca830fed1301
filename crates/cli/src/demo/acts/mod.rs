//! What is shown, one file per act. Each returns an error unless it saw what it was there to prove.

pub(super) mod farewell;
pub(super) mod files;
pub(super) mod forgery;
pub(super) mod handshake;
pub(super) mod renewal;
