//! Where the cluster is, and clients for it.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::Client;
use kube::client::{Body, ClientBuilder, ConfigExt as _};
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use tower::{BoxError, ServiceBuilder};

/// The cluster that `cargo xtask cluster up` has made.
#[derive(Debug)]
pub(crate) struct Place {
    assignments: HashMap<String, String>,
}

impl Place {
    /// Reads `target/cluster/env`.
    pub(crate) fn read() -> Result<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/cluster/env");
        let text = fs::read_to_string(&path)
            .with_context(|| format!("reading {}; run cargo xtask cluster up", path.display()))?;
        let assignments = text.lines().filter_map(|line| {
            let (name, value) = line.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        });
        Ok(Self {
            assignments: assignments.collect(),
        })
    }

    /// The kubeconfig under a name of the file, as in `DRIVER_KUBECONFIG`.
    pub(crate) fn kubeconfig(&self, name: &str) -> Result<PathBuf> {
        let path = self.assignments.get(name);
        Ok(path.with_context(|| format!("{name} is not there"))?.into())
    }

    /// The configuration under such a name.
    pub(crate) async fn configuration(&self, name: &str) -> Result<Config> {
        let file = Kubeconfig::read_from(self.kubeconfig(name)?)?;
        Ok(Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?)
    }
}

/// A client that sends small writes at once, as ours do and as Go's does.
pub(crate) fn client(config: &Config) -> Result<Client> {
    let mut sockets = HttpConnector::new();
    sockets.enforce_http(false);
    sockets.set_nodelay(true);
    let https = config.rustls_https_connector_with_connector(sockets)?;
    let http: HttpClient<_, Body> = HttpClient::builder(TokioExecutor::new()).build(https);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .map_err(BoxError::from)
        .service(http);
    Ok(ClientBuilder::new(service, config.default_namespace.clone()).build())
}
