//! Owns how the API server is reached: which kubeconfig, which credentials, which time limits.
//!
//! Must not know what is asked of it. Invariant: the anonymous client has no credentials of any kind, and
//! neither client retries by itself, since kube's own layer tries for up to 1000 s, creates included.
//!
//! [`sources`] finds and reads kubeconfigs, [`configuration`] applies the flags in client-go's order, and
//! [`mod@connect`] makes the clients.

mod configuration;
mod connect;
mod error;
mod sources;

pub(crate) use connect::connect;

#[cfg(test)]
mod tests;
