//! From a configuration to clients.
//!
//! Owns what every socket to the API server has in common, for both roles and every pool: a peer
//! that disappears silently is noticed within [`LOST_PEER`], small writes are sent at once, and
//! connecting is bounded. Sends nothing.

use std::path::PathBuf;
use std::time::Duration;

use http::Uri;
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::Client;
use kube::client::{Body, ClientBuilder, ConfigExt as _};
use kube::config::{AuthInfo, Config};
use tower::{BoxError, ServiceBuilder};

use crate::ApiClient;
use crate::token::{Authorize, TokenFile};

/// Clients for one API server. Each has a pool of connections of its own.
#[derive(Clone)]
pub struct Clients {
    /// With our own credentials.
    pub own: ApiClient,
    /// With our own credentials, for the lease alone: what happens to other connections does not
    /// cost a term.
    pub lease: ApiClient,
    /// Without any credentials: a pod's token is set on each request, so that ours are never sent
    /// where a pod's belong.
    pub anonymous: ApiClient,
}

/// Why there are no clients.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A proxy is configured, which this program does not support.
    #[error("a proxy for the API server is configured ({0}), which is not supported; remove it")]
    Proxy(Uri),
    /// The configuration's certificates, keys or credentials cannot be used.
    #[error("preparing TLS and credentials for {server}")]
    Configuration {
        /// The address of the API server.
        server: Uri,
        /// What is wrong.
        #[source]
        source: Box<kube::Error>,
    },
    /// The file with our own token cannot be used.
    #[error("reading our own token from {}", path.display())]
    Token {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: std::io::Error,
    },
}

/// Creates the clients for a configuration with our own credentials.
///
/// # Errors
/// See [`ConnectError`].
pub fn connect(own: &Config) -> Result<Clients, ConnectError> {
    let anonymous = without_credentials(own);
    Ok(Clients {
        own: client(own)?,
        lease: client(own)?,
        anonymous: client(&anonymous)?,
    })
}

/// The same cluster, without anything that identifies us.
#[must_use]
pub fn without_credentials(own: &Config) -> Config {
    let mut anonymous = own.clone();
    anonymous.auth_info = AuthInfo::default();
    anonymous
}

fn client(config: &Config) -> Result<ApiClient, ConnectError> {
    if let Some(proxy) = &config.proxy_url {
        return Err(ConnectError::Proxy(proxy.clone()));
    }
    let wrong = |source| ConnectError::Configuration {
        server: config.cluster_url.clone(),
        source: Box::new(source),
    };
    // kube does this when it creates the client itself.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        if provider.install_default().is_err() {
            tracing::debug!("another thread has installed the cryptographic provider");
        }
    }
    let https = config
        .rustls_https_connector_with_connector(sockets())
        .map_err(wrong)?;
    let mut timed = TimeoutConnector::new(https);
    timed.set_connect_timeout(Some(CONNECT_LIMIT));
    timed.set_read_timeout(config.read_timeout);
    timed.set_write_timeout(Some(WRITE_LIMIT));
    timed.set_reset_reader_on_write(true);
    let http: HttpClient<_, Body> = HttpClient::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .build(timed);
    let token = token_file(&config.auth_info).map(open).transpose()?;
    let others = match token {
        Some(_) => None,
        None => config.auth_layer().map_err(wrong)?,
    };
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(others)
        .option_layer(token.map(Authorize::with))
        .layer(config.extra_headers_layer().map_err(wrong)?)
        .map_err(BoxError::from)
        .service(http);
    let client: Client = ClientBuilder::new(service, config.default_namespace.clone()).build();
    Ok(ApiClient::new(client))
}

/// The file with our own token, if that is what identifies us. kube reads it again by the wall
/// clock, which somebody may set, and sends a refused token for up to a minute.
fn token_file(own: &AuthInfo) -> Option<PathBuf> {
    let is_other = own.auth_provider.is_some()
        || own.token.is_some()
        || (own.username.is_some() && own.password.is_some());
    let file = own.token_file.as_ref().filter(|_| !is_other)?;
    Some(PathBuf::from(file))
}

fn open(path: PathBuf) -> Result<TokenFile, ConnectError> {
    TokenFile::open(path.clone()).map_err(|source| ConnectError::Token { path, source })
}

/// How every connection is made.
fn sockets() -> HttpConnector {
    let mut connector = HttpConnector::new();
    // The layer above handles https://.
    connector.enforce_http(false);
    connector.set_connect_timeout(Some(CONNECT_LIMIT));
    // A request is a few small writes; Nagle's algorithm would hold the last one for 40 ms.
    connector.set_nodelay(true);
    connector.set_keepalive(Some(KEEPALIVE_IDLE));
    connector.set_keepalive_interval(Some(KEEPALIVE_INTERVAL));
    connector.set_keepalive_retries(Some(KEEPALIVE_PROBES));
    connector.set_tcp_user_timeout(Some(LOST_PEER));
    connector
}

/// Within a cluster connecting takes milliseconds; a packet that is lost is sent again after 1 and
/// 3 s.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long a write may be stuck in front of a full socket buffer.
const WRITE_LIMIT: Duration = Duration::from_secs(15);
/// How long an unused pooled connection is kept. This is shorter than the limit of a watch: when a
/// watch is given up, no connection from before the loss is left for the next call, even if a proxy
/// answers the keepalive probes of dead ones. If this were halved, more calls would pay for TLS.
const IDLE: Duration = Duration::from_secs(30);
/// A silent connection is probed after this.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
/// And again after this, until there is an answer.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// This many times, before the connection is given up.
const KEEPALIVE_PROBES: u32 = 2;
/// How long sent data, probes included, may go without the peer's acknowledgement
/// (`TCP_USER_TIMEOUT`, tcp(7)): two lost packets and their retransmissions do not yet count as a
/// loss.
pub const LOST_PEER: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use rustix::net::sockopt;
    use tokio::net::TcpListener;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn every_socket_is_probed_given_up_when_the_peer_is_lost_and_sends_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("https://{}", listener.local_addr().unwrap());
        let socket = sockets().oneshot(uri.parse().unwrap()).await.unwrap();
        let socket = socket.inner();
        assert!(socket.nodelay().unwrap());
        assert!(sockopt::socket_keepalive(socket).unwrap());
        assert_eq!(sockopt::tcp_keepidle(socket).unwrap(), KEEPALIVE_IDLE);
        assert_eq!(sockopt::tcp_keepintvl(socket).unwrap(), KEEPALIVE_INTERVAL);
        assert_eq!(sockopt::tcp_keepcnt(socket).unwrap(), KEEPALIVE_PROBES);
        let lost = u128::from(sockopt::tcp_user_timeout(socket).unwrap());
        assert_eq!(lost, LOST_PEER.as_millis());
    }

    #[test]
    fn no_connection_from_before_a_loss_outlives_the_watch_that_notices_it() {
        assert!(IDLE < crate::watch::WATCH_LIMIT);
    }

    #[tokio::test]
    async fn a_proxy_is_refused_and_not_passed_by() {
        let mut config = Config::new("https://127.0.0.1:1".parse().unwrap());
        config.proxy_url = Some("http://proxy.example:3128".parse().unwrap());
        let Err(error) = connect(&config) else {
            panic!("connected")
        };
        assert!(
            error.to_string().contains("http://proxy.example:3128"),
            "{error}"
        );
    }
}
