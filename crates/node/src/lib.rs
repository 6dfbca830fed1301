//! The driver: what runs on every node.
//!
//! | folder | owns |
//! | --- | --- |
//! | `driver` | the whole: its parts, made and joined |
//! | `csi` | the gRPC services that the kubelet calls |
//! | `registration` | sockets, and making ourselves known to the kubelet |
//! | `installation` | who this driver is, on this node |
//! | `clock` | the machine's wall clock |
//! | `credential` | with what a request is created: a pod's token, or our own |
//! | `wish` | what the kubelet wants of us, typed |
//! | `lifecycle` | one task a volume, from publish to unpublish |
//! | `issuance` | one CertificateRequest, from create to a checked certificate |
//! | `renewal` | when to ask again: schedule and backoff, pure |
//! | `volume` | mounts, files and records |
//! | `trust` | the CA bundle and its changes |
//! | `metrics` | what is counted |
//! | `events` | Events on a pod about what somebody must act on |

pub mod clock;
pub mod credential;
pub mod csi;
pub mod driver;
pub mod events;
pub mod installation;
pub mod issuance;
pub mod lifecycle;
pub mod metrics;
pub mod registration;
pub mod renewal;
pub mod trust;
pub mod volume;
pub mod wish;
