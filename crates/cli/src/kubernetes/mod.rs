//! Owns how the API server is reached: which kubeconfig, which credentials, which time limits.
//!
//! Must not know what is requested of it, nor how a connection is made: that is
//! `svid_client::connect`.
//!
//! [`sources`] finds and reads kubeconfigs, [`configuration`] applies the flags in client-go's
//! order, and [`mod@connect`] makes the clients.

mod configuration;
mod connect;
mod error;
mod sources;

pub(crate) use connect::connect;

#[cfg(test)]
mod tests;
