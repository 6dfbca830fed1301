//! The calls that issuance makes, and how they fail.

use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use kube::core::WatchEvent;
use svid_api::certmanager::CertificateRequest;

use crate::credential::Credential;

/// CertificateRequests on an API server.
///
/// Every call ends by itself within a limit of its own.
pub trait Requests: Send + Sync + 'static {
    /// Creates a request as the one whose credential it is.
    fn create<'a>(
        &'a self,
        credential: &'a Credential,
        request: &'a CertificateRequest,
    ) -> BoxFuture<'a, Result<CertificateRequest, ApiError>>;

    /// Reads one request with the driver's own rights.
    fn read<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<CertificateRequest, ApiError>>;

    /// Follows one request with the driver's own rights. From `version`, or from its present
    /// state where that is None.
    fn follow<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
        version: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Events, ApiError>>;

    /// Deletes one request with the driver's own rights.
    fn delete<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<(), ApiError>>;
}

/// What happens to one request, until the server or the network ends it.
pub type Events = BoxStream<'static, Result<WatchEvent<CertificateRequest>, ApiError>>;

/// Why a call had no result. Texts name no object: the caller does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// 401: the credentials are not taken (any more).
    #[error("the API server does not accept the token: {0}")]
    Unauthorized(String),
    /// 403: rights are missing, or admission refuses.
    #[error("the API server forbids it: {0}")]
    Forbidden(String),
    /// 404.
    #[error("it does not exist")]
    NotFound,
    /// 409 on create.
    #[error("it exists already")]
    AlreadyExists,
    /// 410: the version to watch from is too old.
    #[error("the version is too old")]
    Expired,
    /// 429: too much is asked of the server.
    #[error("the API server is busy")]
    Throttled {
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// Any other refusal; nothing was written.
    #[error("the API server answered {code}: {message}")]
    Refused {
        /// The HTTP status.
        code: u16,
        /// What the server says about it, on one line.
        message: String,
    },
    /// 5xx: whether something was written is not known.
    #[error("the API server failed with {code}: {message}")]
    Failed {
        /// The HTTP status.
        code: u16,
        /// What the server says about it, on one line.
        message: String,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// No answer: whether something was written is not known.
    #[error("the API server cannot be reached: {0}")]
    Unreachable(String),
    /// No answer in time: whether something was written is not known.
    #[error("the API server did not answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// An answer that cannot be read: something may have been written.
    #[error("the API server's answer cannot be read: {0}")]
    Unreadable(String),
}

impl ApiError {
    /// Whether the write may have happened all the same.
    pub fn leaves_doubt(&self) -> bool {
        match self {
            Self::Failed { .. }
            | Self::Unreachable(_)
            | Self::TimedOut(_)
            | Self::Unreadable(_) => true,
            Self::Unauthorized(_)
            | Self::Forbidden(_)
            | Self::NotFound
            | Self::AlreadyExists
            | Self::Expired
            | Self::Throttled { .. }
            | Self::Refused { .. } => false,
        }
    }

    /// How long the server wants to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after } | Self::Failed { retry_after, .. } => *retry_after,
            Self::Unauthorized(_)
            | Self::Forbidden(_)
            | Self::NotFound
            | Self::AlreadyExists
            | Self::Expired
            | Self::Refused { .. }
            | Self::Unreachable(_)
            | Self::TimedOut(_)
            | Self::Unreadable(_) => None,
        }
    }
}
