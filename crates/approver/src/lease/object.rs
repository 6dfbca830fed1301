//! The lease in the API server.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::Resource;
use kube::api::PostParams;
use kube::core::Request;
use kube::core::request::Error;
use svid_client::{ApiClient, ApiError};

/// One lease, by its name.
pub(super) struct LeaseObject {
    client: ApiClient,
    url: String,
    name: String,
}

impl LeaseObject {
    pub(super) fn new(client: ApiClient, namespace: &str, name: String) -> Self {
        let url = Lease::url_path(&(), Some(namespace));
        Self { client, url, name }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Reads the lease; None when it does not exist.
    ///
    /// # Errors
    /// When it is unknown whether it exists.
    pub(super) async fn read(&self) -> Result<Option<Lease>, ApiError> {
        self.client
            .find(&self.url, &self.name, LEASE_CALL_LIMIT)
            .await
    }

    /// Creates the lease.
    ///
    /// # Errors
    /// [`ApiError::Conflict`] when it exists.
    pub(super) async fn create(&self, lease: &Lease) -> Result<Lease, ApiError> {
        let request = serde_json::to_vec(lease)
            .map_err(Error::SerializeBody)
            .and_then(|lease| Request::new(&self.url).create(&PostParams::default(), lease));
        self.client.call(request, LEASE_CALL_LIMIT).await
    }

    /// Replaces the version of the lease that was read.
    ///
    /// # Errors
    /// [`ApiError::Conflict`] when there is a newer version.
    pub(super) async fn replace(&self, lease: &Lease) -> Result<Lease, ApiError> {
        let request = serde_json::to_vec(lease)
            .map_err(Error::SerializeBody)
            .and_then(|lease| {
                Request::new(&self.url).replace(&self.name, &PostParams::default(), lease)
            });
        self.client.call(request, LEASE_CALL_LIMIT).await
    }
}

/// Less than half of a renewal's total time, so that one hanging call leaves time for another.
const LEASE_CALL_LIMIT: Duration = Duration::from_secs(4);
