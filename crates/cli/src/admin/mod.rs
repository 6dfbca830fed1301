//! Owns the HTTP that probes, Prometheus and `status` call: `/healthz`, `/readyz`, `/metrics`,
//! `/status`.
//!
//! Must not know what driver and approver are; it gets closures. Invariant: `/healthz` depends on
//! this process alone, or an outage of the API server would kill every driver and the tokens in its
//! memory.
//!
//! Every pod of the cluster can connect to a port, and nobody is asked for credentials. So
//! `/status`, which names pods, is on a Unix socket, and what strangers can use up is limited here:
//! descriptors by [`connections`], time and memory per connection by [`connection`], work by
//! [`page`].
//!
//! Addresses are bound before anything else is started, so that a port that is in use is reported
//! by the flag's name and not half a minute later.

mod connection;
mod connections;
mod endpoints;
mod exposition;
mod listener;
mod network;
mod page;

pub(crate) use endpoints::{Endpoints, HealthCheck, always};
pub(crate) use listener::{Listener, serve, serve_socket};

#[cfg(test)]
mod tests;
