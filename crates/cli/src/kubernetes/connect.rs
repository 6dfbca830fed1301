//! Owns the step from flags to clients.

use svid_client::connect::{Clients, connect as prepare};

use super::configuration::configuration;
use super::sources::Sources;
use crate::args::ConnectionArgs;

/// Prepares the clients; sends nothing.
///
/// # Errors
/// The flags, kubeconfig or service account name no usable API server.
pub(crate) async fn connect(args: &ConnectionArgs) -> anyhow::Result<Clients> {
    let own = configuration(args, Sources::from_environment()).await?;
    tracing::info!(server = %own.cluster_url, "using the API server");
    Ok(prepare(&own)?)
}
