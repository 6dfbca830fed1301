//! What both roles send to the Kubernetes API server, and how.
//!
//! Owns the way a client is made (sockets, pools, time limits), one bounded call with one error
//! type, when to try again, and the list and watch of a collection, object by object. Knows nothing
//! of certificates and nothing of who may do what: driver and approver hold different rights, each
//! makes its own clients, and neither reaches the other's code through this crate.
//!
//! Invariants: every wait has a limit on our side; untrusted content is held one object at a time,
//! up to a fixed size, and an object that cannot be read is named and does not stop the others.
//!
//! | module | what it owns |
//! | --- | --- |
//! | [`connect`] | from a configuration to clients: sockets, TLS, pools |
//! | [`call`] | one request and its answer |
//! | [`watch`] | list and watch of a collection, watch of one object |
//! | [`clock`] | the wall clock and chance, as arguments |
//! | [`issuer`] | which issuer is in effect: flags, or the `ConfigMap` that both roles follow |
//! | `labels` | closed sets as labels of metrics |
//! | [`retry`] | when to try again |
//! | [`token`] | tokens as headers, and our own one from its file |
//! | [`trouble`] | a failure that goes on, said once and then at intervals |
//! | `body` | reading an answer with limits; cutting a stream into objects |
//! | `testing` | lists and watches from bytes, for fuzz targets; in no shipped build |

mod body;
pub mod call;
pub mod clock;
pub mod connect;
mod error;
pub mod issuer;
mod labels;
pub mod retry;
#[cfg(feature = "testing")]
pub mod testing;
pub mod token;
pub mod trouble;
pub mod watch;

pub use call::ApiClient;
pub use error::ApiError;
#[doc(hidden)]
pub use prometheus_client;
