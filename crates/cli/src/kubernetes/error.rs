//! Owns what can go wrong before the first request is sent.

use std::path::PathBuf;

use kube::config::{InClusterError, KubeconfigError};

/// Why there is no connection yet. Nothing has been sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigurationError {
    #[error("reading the kubeconfig {path}", path = path.display())]
    Kubeconfig {
        path: PathBuf,
        #[source]
        source: KubeconfigError,
    },
    #[error("choosing cluster and user from the kubeconfig")]
    Choice(#[source] KubeconfigError),
    #[error("the kubeconfig has no {what} {name:?}")]
    Missing { what: &'static str, name: String },
    #[error(
        "neither a kubeconfig nor a pod's service account was found; give --kubeconfig or \
         --server, or run in a cluster"
    )]
    Nowhere(#[source] InClusterError),
    #[error("reading the certificate authority {path}", path = path.display())]
    CertificateAuthority {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}
