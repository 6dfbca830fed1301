//! The cluster as a whole: started, talked to, stopped.

mod api_server;
mod bootstrap;
mod objects;
mod options;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::DropGuard;

pub use self::api_server::ApiServer;
pub use self::objects::{Objects, Refused, WaitError};
pub use self::options::{Options, TokenDelivery};
use crate::admission::Webhooks;
use crate::api::{RequestLog, Server, Shared};
use crate::auth::{MintError, Permissions, Roles, ServiceAccountName, Tokens};
use crate::clock::Clock;
use crate::faults::Faults;
use crate::issuer::{self, AuthorityError, Issuer, IssuerReference};
use crate::kubeconfig::{self, Identity};

/// A small Kubernetes in this process: API server over loopback HTTP, and a CA issuer.
///
/// Ends when dropped; [`Cluster::shutdown`] also waits for it.
pub struct Cluster {
    api: ApiServer,
    server: Server,
    issuer: Issuer,
    issuers: Mutex<JoinSet<()>>,
    _ends: DropGuard,
}

/// Why a cluster could not be started or enlarged.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("could not listen on {address}")]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    /// The CA could not be made.
    #[error("could not make the issuer's CA")]
    Authority(#[from] AuthorityError),
    /// An object that every cluster has could not be created.
    #[error("could not create the cluster's own objects")]
    Bootstrap(#[from] Refused),
}

/// Why a kubeconfig could not be made.
#[derive(Debug, thiserror::Error)]
pub enum KubeconfigError {
    #[error("could not make a token for the kubeconfig")]
    Token(#[from] MintError),
    #[error("could not write the kubeconfig {path}")]
    Write {
        path: std::path::PathBuf,
        source: io::Error,
    },
}

impl Cluster {
    /// Starts a cluster with the objects that every cluster has.
    ///
    /// # Errors
    /// If the address is taken or the options contain an illegal object name.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listen = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let api = ApiServer::new(options)?;
        let Options { issuer, clock, .. } = api.options().clone();
        let issuer = Issuer::new(issuer, clock)?;
        let server = Server::start(listener, api.connections().clone(), api.shared().clone());
        let cluster = Self {
            _ends: api.shared().shutdown.clone().drop_guard(),
            api,
            server: server.map_err(listen)?,
            issuer: issuer.clone(),
            issuers: Mutex::default(),
        };
        cluster.run_issuer(issuer, "")?;
        Ok(cluster)
    }

    /// The API server without its socket.
    pub fn api(&self) -> &ApiServer {
        &self.api
    }

    /// The API server's address, `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// What the cluster was started with.
    pub fn options(&self) -> &Options {
        self.api.options()
    }

    /// The objects, read and written as the administrator without going through HTTP.
    pub fn objects(&self) -> Objects {
        self.api.objects()
    }

    /// The faults that can be injected.
    pub fn faults(&self) -> &Faults {
        &self.shared().faults
    }

    /// The requests to the API server.
    pub fn requests(&self) -> &RequestLog {
        &self.shared().log
    }

    /// The RBAC rules: who may do what.
    pub fn permissions(&self) -> &Permissions {
        &self.shared().permissions
    }

    pub(crate) fn tokens(&self) -> &Tokens {
        &self.shared().tokens
    }

    /// The clock of API server, tokens and issuer.
    pub fn clock(&self) -> &Clock {
        &self.shared().clock
    }

    pub fn configure_webhooks(&self, webhooks: Webhooks) {
        self.shared().admission.configure(webhooks);
    }

    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The root of the CA that signs now, PEM.
    ///
    /// # Errors
    /// If a certificate cannot be encoded.
    pub fn trust_bundle_pem(&self) -> Result<String, AuthorityError> {
        self.issuer.trust_bundle_pem()
    }

    /// Adds another issuer with a CA of its own; `namespace` is empty unless its kind is `Issuer`.
    ///
    /// # Errors
    /// If its object is there already or its CA cannot be made.
    pub fn add_issuer(
        &self,
        reference: IssuerReference,
        namespace: &str,
    ) -> Result<Issuer, StartError> {
        let clock = self.shared().clock.clone();
        let issuer = Issuer::new(reference, clock)?;
        self.run_issuer(issuer.clone(), namespace)?;
        Ok(issuer)
    }

    fn run_issuer(&self, issuer: Issuer, namespace: &str) -> Result<(), StartError> {
        bootstrap::create_issuer(self.shared(), issuer.reference(), namespace)?;
        let context = issuer::Context {
            store: Arc::clone(&self.shared().store),
            clock: self.shared().clock.clone(),
            faults: self.shared().faults.clone(),
            shutdown: self.shared().shutdown.clone(),
            namespace: (!namespace.is_empty()).then(|| namespace.to_owned()),
            issuer,
        };
        let mut issuers = self.issuers.lock().unwrap_or_else(PoisonError::into_inner);
        issuers.spawn(issuer::run(context));
        Ok(())
    }

    /// Creates namespace and service account if they do not exist, and lets the service account
    /// create CertificateRequests, as an administrator does for a workload.
    ///
    /// # Errors
    /// If a name is not legal.
    pub fn enroll(&self, account: &ServiceAccountName) -> Result<(), Refused> {
        self.add_service_account(account)?;
        self.permissions().grant(Roles::workload(account));
        Ok(())
    }

    /// Creates namespace and service account if they do not exist, without any permissions.
    ///
    /// # Errors
    /// If a name is not legal.
    pub fn add_service_account(&self, account: &ServiceAccountName) -> Result<(), Refused> {
        self.api.add_service_account(account)
    }

    /// A kubeconfig that authenticates as this identity. The administrator's also works with
    /// `kubectl`, which sends no token over plain HTTP: there the server's path stands for the
    /// token.
    ///
    /// # Errors
    /// If the identity's service account or pod does not exist.
    pub fn kubeconfig(&self, identity: &Identity) -> Result<String, KubeconfigError> {
        let token = self.token(identity)?;
        let server = match (identity, &token) {
            (Identity::Administrator, Some(token)) => format!("{}/as/{token}", self.url()),
            _ => self.url(),
        };
        Ok(kubeconfig::render(&server, identity, token.as_deref()))
    }

    /// Writes a kubeconfig that only its owner can read.
    ///
    /// # Errors
    /// If the identity does not exist or the file cannot be written.
    pub fn write_kubeconfig(
        &self,
        path: &std::path::Path,
        identity: &Identity,
    ) -> Result<(), KubeconfigError> {
        let text = self.kubeconfig(identity)?;
        kubeconfig::write(path, &text).map_err(|source| KubeconfigError::Write {
            path: path.to_owned(),
            source,
        })
    }

    /// A bearer token for this identity, if it has one.
    ///
    /// # Errors
    /// If the identity's service account or pod does not exist.
    pub fn token(&self, identity: &Identity) -> Result<Option<String>, MintError> {
        self.api.token(identity)
    }

    pub(crate) fn shared(&self) -> &Shared {
        self.api.shared()
    }

    /// Ends every watch and connection and waits for every task.
    pub async fn shutdown(self) {
        let Self {
            api,
            server,
            issuers,
            _ends: ends,
            ..
        } = self;
        drop(ends);
        server.join(api.connections()).await;
        let mut issuers = issuers.into_inner().unwrap_or_else(PoisonError::into_inner);
        while let Some(ended) = issuers.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "issuer ended badly");
            }
        }
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cluster({})", self.url())
    }
}
