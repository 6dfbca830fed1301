//! The API server alone: no sockets, no issuer, no kubelet, nothing that runs in the background.

use std::fmt;
use std::io;
use std::sync::Arc;

use axum::body::Bytes;
use axum::response::Response;
use http::{HeaderValue, Request};
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::bootstrap;
use super::objects::{Objects, Refused};
use super::options::Options;
use crate::admission::{Admission, Webhooks};
use crate::api::{self, RequestLog, Shared};
use crate::auth::{MintError, Permissions, ServiceAccountName, Tokens, User};
use crate::connection::Connections;
use crate::faults::Faults;
use crate::kubeconfig::Identity;
use crate::store::Store;

/// An API server in this process, with the objects that every cluster has. A test that pauses
/// tokio's time talks to it through [`ApiServer::service`]. Clones are the same one.
#[derive(Clone)]
pub struct ApiServer {
    shared: Shared,
    connections: Connections,
    options: Arc<Options>,
    administrator_token: String,
}

impl ApiServer {
    /// Makes one; nothing listens.
    ///
    /// # Errors
    /// If the options contain an illegal object name.
    pub fn new(options: Options) -> Result<Self, Refused> {
        let store = Arc::new(Store::new(options.history));
        let clock = options.clock.clone();
        let connections = Connections::default();
        let permissions = Permissions::default();
        let shared = Shared {
            tokens: Tokens::new(Arc::clone(&store), clock.clone()),
            admission: Admission::new(permissions.clone()),
            faults: Faults::new(Arc::clone(&store), connections.clone()),
            log: RequestLog::default(),
            bookmarks: options.bookmark_interval,
            shutdown: CancellationToken::new(),
            permissions,
            store,
            clock,
        };
        bootstrap::create(&shared, &options)?;
        Ok(Self {
            administrator_token: shared.tokens.fix(User::administrator()),
            shared,
            connections,
            options: Arc::new(options),
        })
    }

    /// A service that answers in the name of this bearer token's user, or of nobody: what
    /// `kube::Client::new` takes.
    pub fn service<B>(
        &self,
        token: Option<&str>,
    ) -> impl Service<Request<B>, Response = Response, Error = io::Error, Future: Send + 'static>
    + Clone
    + Send
    + 'static
    + use<B>
    where
        B: http_body::Body<Data = Bytes, Error: Into<axum::BoxError>> + Send + 'static,
    {
        // A token that cannot be sent in a header is as invalid as any made-up one.
        let value = token.map(|token| {
            HeaderValue::try_from(format!("Bearer {token}"))
                .unwrap_or(HeaderValue::from_static("Bearer ?"))
        });
        api::service(self.shared.clone(), self.connections.clone(), value)
    }

    /// A bearer token for this identity, if it has one.
    ///
    /// # Errors
    /// If the identity's service account or pod does not exist.
    pub fn token(&self, identity: &Identity) -> Result<Option<String>, MintError> {
        match identity.spec(&self.options.driver, &self.options.approver) {
            Some(spec) => self.shared.tokens.mint(&spec).map(Some),
            None if *identity == Identity::Administrator => {
                Ok(Some(self.administrator_token.clone()))
            }
            None => Ok(None),
        }
    }

    /// Creates namespace and service account if they do not exist, without any permissions.
    ///
    /// # Errors
    /// If a name is not legal.
    pub fn add_service_account(&self, account: &ServiceAccountName) -> Result<(), Refused> {
        bootstrap::create_service_account(&self.objects(), account)
    }

    /// The objects, read and written as the administrator without going through HTTP.
    pub fn objects(&self) -> Objects {
        Objects::new(self.shared.clone())
    }

    /// The faults that can be injected.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// The requests that were received.
    pub fn requests(&self) -> &RequestLog {
        &self.shared.log
    }

    /// The RBAC rules: who may do what.
    pub fn permissions(&self) -> &Permissions {
        &self.shared.permissions
    }

    pub fn configure_webhooks(&self, webhooks: Webhooks) {
        self.shared.admission.configure(webhooks);
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(super) fn connections(&self) -> &Connections {
        &self.connections
    }
}

impl fmt::Debug for ApiServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiServer(..)")
    }
}
