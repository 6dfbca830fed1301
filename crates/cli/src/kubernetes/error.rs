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
        "no kubeconfig and no service account of a pod; give --kubeconfig or --server, or run in a cluster"
    )]
    Nowhere(#[source] InClusterError),
    #[error("reading the certificate authority {path}", path = path.display())]
    CertificateAuthority {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}
