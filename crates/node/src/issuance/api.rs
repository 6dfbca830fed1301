//! The calls that issuance makes, and how they fail.

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use svid_api::certmanager::{CertificateRequest, StoredRequest};
use svid_client::ApiError;
use svid_client::watch::Change;

use crate::credential::Credential;

/// CertificateRequests on an API server.
///
/// Every call is sent at once and ends by itself within a limit of its own.
pub trait Requests: Send + Sync + 'static {
    /// Creates a request, authenticated by `credential`.
    fn create<'a>(
        &'a self,
        credential: &'a Credential,
        request: &'a CertificateRequest,
    ) -> BoxFuture<'a, Result<StoredRequest, ApiError>>;

    /// Reads one request with the driver's own rights.
    fn read<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<StoredRequest, ApiError>>;

    /// Follows one request with the driver's own rights, from `version` on.
    fn follow<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
        version: &'a str,
    ) -> BoxFuture<'a, Result<RequestChanges, ApiError>>;

    /// Deletes one request with the driver's own rights.
    fn delete<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<(), ApiError>>;
}

/// What happens to one request, until the server or the network ends the watch, or its time is
/// over.
pub type RequestChanges = BoxStream<'static, Result<Change<StoredRequest>, ApiError>>;
