//! One request to the API server: bounded in time and size.
//!
//! Used in place of kube's typed calls, which drop the header `Retry-After` (Priority and Fairness
//! sends nothing else with a 429), have no limit of their own, and build the whole object whatever
//! is requested.

use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT_ENCODING, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Request, Response};
use kube::Client;
use kube::api::GetParams;
use kube::client::Body;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::ApiError;
use crate::body::{self, LARGE_ANSWERS};
use crate::error::one_line;

/// The longest that a call of one object may take, if nothing asks for another limit. The API
/// server gives up on its own after 60 s; a call that takes ten is better repeated on another
/// connection.
pub const CALL_LIMIT: Duration = Duration::from_secs(10);

/// A request as kube builds it.
pub type Built = Result<Request<Vec<u8>>, kube::core::request::Error>;

/// A client, with room for a few large answers at a time.
#[derive(Clone)]
pub struct ApiClient {
    client: Client,
    large: Arc<Semaphore>,
}

impl ApiClient {
    /// Wraps a client, which should not retry by itself: kube's own layer retries for minutes.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self {
            client,
            large: Arc::new(Semaphore::new(LARGE_ANSWERS)),
        }
    }

    /// Sends a request and reads the object that comes back, as far as `T` needs it.
    ///
    /// # Errors
    /// Every answer except a success with a readable body within `limit`.
    pub async fn call<T: DeserializeOwned>(
        &self,
        request: Built,
        limit: Duration,
    ) -> Result<T, ApiError> {
        within(limit, async {
            let body = self.success(request).await?;
            let answer = body::whole(body, &self.large).await?;
            serde_json::from_slice(answer.as_ref()).map_err(ApiError::unreadable)
        })
        .await
    }

    /// Reads the object of this name under this URL path, as it is now; None if there is none.
    ///
    /// # Errors
    /// It is not known whether it exists, or what it is.
    pub async fn find<T: DeserializeOwned>(
        &self,
        path: &str,
        name: &str,
        limit: Duration,
    ) -> Result<Option<T>, ApiError> {
        // Without a resourceVersion: the newest there is.
        let request = kube::core::Request::new(path).get(name, &GetParams::default());
        match self.call(request, limit).await {
            Ok(object) => Ok(Some(object)),
            Err(ApiError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends a request of which only the success matters. Nothing of the answer is kept: what
    /// others wrote into the object cannot make a write that succeeded look like a failure.
    ///
    /// # Errors
    /// Every answer except a success within `limit`.
    pub async fn send(&self, request: Built, limit: Duration) -> Result<(), ApiError> {
        within(limit, async {
            let body = self.success(request).await?;
            body::drain(body).await
        })
        .await
    }

    /// Sends a request whose answer is a stream.
    ///
    /// # Errors
    /// Every answer except the head of a success within `limit`.
    pub(crate) async fn open(&self, request: Built, limit: Duration) -> Result<Body, ApiError> {
        let request = request.map(|mut request| {
            // From 1.37 on the API server compresses each event of a watch by itself.
            let identity = HeaderValue::from_static("identity");
            request.headers_mut().insert(ACCEPT_ENCODING, identity);
            request
        });
        within(limit, self.success(request)).await
    }

    async fn success(&self, request: Built) -> Result<Body, ApiError> {
        let request = request.map_err(|error| ApiError::not_built(&error))?;
        let answer = self
            .client
            .send(request.map(Body::from))
            .await
            .map_err(|error| ApiError::unreachable(&error))?;
        if answer.status().is_success() {
            return Ok(answer.into_body());
        }
        Err(self.refusal(answer).await)
    }

    async fn refusal(&self, answer: Response<Body>) -> ApiError {
        let status = answer.status();
        let retry_after = retry_after(answer.headers());
        let body = match body::whole(answer.into_body(), &self.large).await {
            Ok(body) => body,
            Err(error) => return error,
        };
        match serde_json::from_slice::<Status>(body.as_ref()) {
            Ok(refusal) if refusal.is_about_a_terminating_namespace() => {
                ApiError::Terminating(one_line(&refusal.message))
            }
            Ok(refusal) => ApiError::of_status(status, &refusal.message, retry_after),
            Err(_not_a_status) => {
                let text = String::from_utf8_lossy(body.as_ref());
                ApiError::of_status(status, &text, retry_after)
            }
        }
    }
}

async fn within<T>(
    limit: Duration,
    exchange: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, ApiError> {
    timeout(limit, exchange)
        .await
        .unwrap_or(Err(ApiError::TimedOut(limit)))
}

/// Reads the number of seconds; the other form of the header, a date, is not used by Kubernetes.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?;
    Some(Duration::from_secs(seconds.trim().parse().ok()?))
}

/// A failure's own explanation (`metav1.Status`).
#[derive(serde::Deserialize)]
struct Status {
    message: String,
    #[serde(default)]
    details: Option<Details>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Details {
    causes: Option<Vec<Cause>>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Cause {
    reason: Option<String>,
}

impl Status {
    fn is_about_a_terminating_namespace(&self) -> bool {
        let details = self.details.as_ref();
        let causes = details.and_then(|details| details.causes.as_deref());
        causes
            .unwrap_or_default()
            .iter()
            .any(|cause| cause.reason.as_deref() == Some("NamespaceTerminating"))
    }
}
