//! Owns the two clients.

use kube::Client;
use kube::config::{AuthInfo, Config};

use super::configuration::configuration;
use super::error::ConnectError;
use super::sources::Sources;
use crate::args::ConnectionArgs;

/// Clients for one API server.
#[derive(Clone)]
pub(crate) struct Clients {
    /// With our own credentials.
    pub(crate) own: Client,
    /// Without any credentials: a pod's token is set on each request. A pool of its own.
    pub(crate) anonymous: Client,
}

/// Prepares both clients; sends nothing.
///
/// # Errors
/// See [`ConnectError`].
pub(crate) async fn connect(args: &ConnectionArgs) -> Result<Clients, ConnectError> {
    let own = configuration(args, Sources::from_environment()).await?;
    let anonymous = without_credentials(&own);
    tracing::info!(server = %own.cluster_url, "using the API server");
    Ok(Clients {
        own: client(own)?,
        anonymous: client(anonymous)?,
    })
}

/// The same cluster, with nothing that says who we are.
pub(super) fn without_credentials(own: &Config) -> Config {
    let mut anonymous = own.clone();
    anonymous.auth_info = AuthInfo::default();
    anonymous
}

fn client(config: Config) -> Result<Client, ConnectError> {
    let server = config.cluster_url.clone();
    Client::try_from(config).map_err(|source| ConnectError::Client {
        server,
        source: Box::new(source),
    })
}
