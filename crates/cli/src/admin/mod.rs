//! Owns the HTTP that probes and Prometheus call: `/healthz`, `/readyz`, `/metrics`, `/status`.
//!
//! Must not know what driver and approver are; it gets closures. Invariant: `/healthz` depends on this
//! process alone, or an outage of the API server would kill every driver and the tokens in its memory.
//!
//! Addresses are bound before anything else is started, so that a port that is taken is told by the flag's
//! name and not half a minute later.

mod endpoints;
mod listener;

pub(crate) use endpoints::{Endpoints, Health, always, socket_answers};
pub(crate) use listener::{Listener, serve};

#[cfg(test)]
mod tests;
