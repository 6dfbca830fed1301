//! A small but honest Kubernetes in one process, for the demo and the tests.
//!
//! Owns what the driver and the approver need of a cluster: an API server over loopback HTTP
//! ([`Cluster`]), a CA issuer with an X.509 library of its own ([`Issuer`]), a kubelet that calls a
//! CSI socket, and switches that make each of them misbehave ([`Faults`]). Knows nothing
//! of either process; what it does is what Kubernetes and cert-manager do. Never part of the image.

mod admission;
mod api;
mod auth;
mod chance;
mod clock;
mod cluster;
mod connection;
mod faults;
mod issuer;
mod kubeconfig;
mod kubelet;
pub mod resource;
mod store;

pub use admission::Webhooks;
pub use api::{LogEntry, RequestLog};
pub use auth::{
    Binding, Grant, MintError, Permissions, Reach, Roles, Rule, ServiceAccountName, Subject,
    TokenSpec, Tokens, User,
};
pub use clock::Clock;
pub use cluster::{
    Cluster, KubeconfigError, Objects, Options, Refused, StartError, TokenDelivery, WaitError,
};
pub use faults::{Answer, Conduct, Faults, Filter, Lie, Times};
pub use issuer::{Authority, AuthorityError, Chain, DirectError, Issuer, IssuerReference, Signer};
pub use kubeconfig::Identity;
pub use resource::Resource;
pub use store::{Key, Object};
