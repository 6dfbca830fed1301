//! A small but faithful Kubernetes in one process, for the demo and the tests.
//!
//! Owns what the driver and the approver need of a cluster: an API server over loopback HTTP
//! ([`Cluster`]) or without sockets ([`ApiServer`]), a CA issuer with an X.509 library of its own
//! ([`Issuer`]), a kubelet that calls a CSI socket ([`Kubelet`]), and switches that make each of
//! them misbehave ([`Faults`]). Knows nothing of either process; what it does is what Kubernetes
//! and cert-manager do, and `svid-contract` checks that. Never part of the image.
//!
//! ```no_run
//! use std::time::Duration;
//! use svid_devcluster::{
//!     Cluster, Conduct, Identity, Kubelet, KubeletOptions, Options, PodSpec, ServiceAccountName,
//!     Times, resource,
//! };
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let limit = Duration::from_secs(30);
//! let cluster = Cluster::start(Options::default()).await?;
//! cluster.write_kubeconfig("driver.kubeconfig".as_ref(), &Identity::Driver)?;
//! cluster.write_kubeconfig("approver.kubeconfig".as_ref(), &Identity::Approver)?;
//! // .. start both processes here; the driver's registration socket goes into the kubelet's
//! // `plugins_registry`, the trust bundle into the file that its flag names.
//! std::fs::write("bundle.pem", cluster.trust_bundle_pem()?)?;
//! let kubelet = Kubelet::start(&cluster, KubeletOptions::new("kubelet"));
//!
//! let account = ServiceAccountName::new("shop", "till");
//! cluster.enroll(&account)?;
//! let pod = kubelet.run_pod(&PodSpec::new(&account))?;
//! pod.wait_ready(limit).await?;
//! println!("{}", std::fs::read_to_string(pod.volume_path().join("tls.crt"))?);
//!
//! cluster.faults().issuer(Conduct::Slow(Duration::from_secs(3)), Times::Next(1));
//! cluster
//!     .objects()
//!     .wait_for(&resource::CERTIFICATE_REQUESTS, Some("shop"), limit, |request| {
//!         request.pointer("/status/certificate").is_some()
//!     })
//!     .await?;
//! assert!(cluster.requests().count("create", "certificaterequests") > 0);
//!
//! pod.delete(limit).await?;
//! kubelet.stop().await;
//! cluster.shutdown().await;
//! # Ok(())
//! # }
//! ```

#![allow(
    missing_docs,
    reason = "nothing of it ships: what a name says here is not said again"
)]

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
};
pub use clock::Clock;
pub use cluster::{
    ApiServer, Cluster, KubeconfigError, Objects, Options, Refused, StartError, TokenDelivery,
    WaitError,
};
pub use faults::{Answer, Conduct, Faults, Filter, Lie, Times};
pub use issuer::{AuthorityError, DirectError, Issuer, IssuerReference, Signer};
pub use kubeconfig::Identity;
pub use kubelet::{
    Access, CallError, CsiSocket, Kubelet, KubeletOptions, NotReady, Phase, PodHandle, PodSpec,
    Retry, VolumeStatus,
};
pub use resource::Resource;
pub use store::{Key, Object};
