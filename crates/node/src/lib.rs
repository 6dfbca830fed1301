//! The driver: what runs on every node.
//!
//! | folder | owns |
//! | --- | --- |
//! | `driver` | the whole: its parts, created and connected |
//! | `csi` | the gRPC services that the kubelet calls |
//! | `socket` | the files of our Unix sockets |
//! | `serving` | the kubelet's sockets, and registering with it |
//! | `overview` | the driver's status, as people and `status` read it |
//! | `installation` | who this driver is, on this node |
//! | `clock` | the machine's wall clock |
//! | `credential` | what a request is created with: a pod's token, or our own credentials |
//! | `spec` | what the kubelet requests, as typed values |
//! | `lifecycle` | one task per volume, from publish to unpublish |
//! | `issuance` | one CertificateRequest, from create to the answer |
//! | `renewal` | when to renew and to retry: schedule and backoff, pure |
//! | `volume` | mounts, files and records |
//! | `trust` | the CA bundle and its changes |
//! | `metrics` | the driver's metrics |
//! | `events` | Events on a pod about problems that somebody must act on |
//!
//! The program needs `driver` and `clock`. The rest is private, so that the compiler finds what
//! nobody uses; the feature `testing`, which no shipped build has, exposes what fuzz targets and
//! the mount tests need.

#![expect(
    unreachable_pub,
    reason = "which rooms are public depends on the feature `testing`"
)]

pub mod clock;
pub mod driver;

#[cfg(not(feature = "testing"))]
mod credential;
#[cfg(not(feature = "testing"))]
mod csi;
mod events;
mod installation;
mod issuance;
mod lifecycle;
mod metrics;
mod overview;
mod renewal;
mod serving;
mod socket;
#[cfg(not(feature = "testing"))]
mod spec;
mod trust;
#[cfg(not(feature = "testing"))]
mod volume;

// For fuzz targets and the mount tests.
#[cfg(feature = "testing")]
pub mod credential;
#[cfg(feature = "testing")]
pub mod csi;
#[cfg(feature = "testing")]
pub mod spec;
#[cfg(feature = "testing")]
pub mod volume;
