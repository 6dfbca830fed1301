//! The Kubernetes API over HTTP: paths, verbs, errors, watches.
//!
//! Owns how a request is parsed and answered. Storage belongs to `store`, authorisation to `auth`,
//! and what a CertificateRequest may contain to `admission`. Order for each request: authenticate,
//! parse the path, log, injected fault, authorise, carry out.

mod access_review;
mod asked;
pub(crate) mod deletion;
mod discovery;
mod dispatch;
mod fault;
mod log;
mod object;
mod page;
mod patch;
mod problem;
mod read;
mod route;
mod server;
mod service;
mod shared;
mod target;
mod token_request;
mod watch;
mod write;

pub use self::log::{LogEntry, RequestLog};
pub(crate) use self::object::Writing;
pub(crate) use self::problem::Problem;
pub(crate) use self::server::Server;
pub(crate) use self::service::service;
pub(crate) use self::shared::Shared;
pub(crate) use self::write::{Creation, Edit, Part};
