//! The API server that the promises are checked against.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use kube::Client;

/// A right of a service account: one rule of a role, and the binding of that role.
#[derive(Clone, Debug)]
pub struct Right {
    /// The service account's namespace, and where the right holds unless it holds everywhere.
    pub namespace: String,
    pub account: String,
    /// Whether it holds in every namespace and for cluster-scoped types.
    pub everywhere: bool,
    pub group: &'static str,
    /// Plural, or `plural/subresource`.
    pub resource: &'static str,
    pub verbs: &'static [&'static str],
    /// The one object; `None` for all.
    pub name: Option<&'static str>,
}

/// Gives a right; once this is over it holds.
pub type Grant = Arc<dyn Fn(Right) -> BoxFuture<'static, ()> + Send + Sync>;

type Bearer = Arc<dyn Fn(Option<&str>) -> Client + Send + Sync>;

/// An API server with cert-manager's resources and webhooks.
#[derive(Clone)]
pub struct Server {
    pub(crate) administrator: Client,
    pub(crate) bearer: Bearer,
    pub(crate) grant: Grant,
}

impl Server {
    /// `bearer` makes a client with this bearer token, or with no credentials at all.
    pub fn new(
        administrator: Client,
        bearer: impl Fn(Option<&str>) -> Client + Send + Sync + 'static,
        grant: Grant,
    ) -> Self {
        Self {
            administrator,
            bearer: Arc::new(bearer),
            grant,
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Server(..)")
    }
}
