//! One call to the API server: bounded in time, and its failure told apart as the callers need.
//!
//! Used in place of kube's typed calls where `Retry-After` matters: kube throws the header away,
//! and Priority and Fairness sends nothing else with a 429.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, Request, StatusCode};
use kube::Client;
use kube::client::Body;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// Why a call had no result.
#[derive(Debug, Error)]
pub(crate) enum CallError {
    /// 409: the object is no longer the one that was read.
    #[error("the object has changed")]
    Conflict,
    /// 404: the object is gone.
    #[error("the object does not exist")]
    NotFound,
    /// Any other answer that is no success.
    #[error("the API server answered {status}: {message}")]
    Refused {
        /// The status of the answer.
        status: StatusCode,
        /// What the server says about it.
        message: String,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// No answer: connection, TLS, credentials.
    #[error("the API server could not be asked: {0}")]
    Unreachable(Box<kube::Error>),
    /// No answer in time.
    #[error("the API server did not answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// An answer that is not the object that was asked for.
    #[error("the API server's answer cannot be read: {0}")]
    Unreadable(serde_json::Error),
    /// The call could not be put together.
    #[error("the request cannot be built: {0}")]
    Unaskable(kube::core::request::Error),
}

impl CallError {
    /// How long the server wants to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::Conflict
            | Self::NotFound
            | Self::Unreachable(_)
            | Self::TimedOut(_)
            | Self::Unreadable(_)
            | Self::Unaskable(_) => None,
        }
    }
}

/// Sends one request and reads the object that comes back.
///
/// # Errors
/// Whatever is not a success with a readable body within `limit`.
pub(crate) async fn call<T: DeserializeOwned>(
    client: &Client,
    request: Result<Request<Vec<u8>>, kube::core::request::Error>,
    limit: Duration,
) -> Result<T, CallError> {
    let request = request.map_err(CallError::Unaskable)?.map(Body::from);
    match tokio::time::timeout(limit, exchange(client, request)).await {
        Ok(answer) => answer,
        Err(_elapsed) => Err(CallError::TimedOut(limit)),
    }
}

async fn exchange<T: DeserializeOwned>(
    client: &Client,
    request: Request<Body>,
) -> Result<T, CallError> {
    let unreachable = |error| CallError::Unreachable(Box::new(error));
    let answer = client.send(request).await.map_err(unreachable)?;
    let status = answer.status();
    let retry_after = retry_after(answer.headers());
    let body = answer
        .into_body()
        .collect_bytes()
        .await
        .map_err(unreachable)?;
    match status {
        StatusCode::CONFLICT => Err(CallError::Conflict),
        StatusCode::NOT_FOUND => Err(CallError::NotFound),
        status if status.is_success() => {
            serde_json::from_slice(&body).map_err(CallError::Unreadable)
        }
        status => Err(CallError::Refused {
            status,
            message: message(&body),
            retry_after,
        }),
    }
}

/// Reads the number of seconds; the other form of the header, a date, is not used by Kubernetes.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

/// What a failure says for itself, on one line and not too long for a log.
fn message(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Status {
        message: String,
    }
    let text = match serde_json::from_slice::<Status>(body) {
        Ok(status) => status.message,
        Err(_not_a_status) => String::from_utf8_lossy(body).into_owned(),
    };
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MOST_MESSAGE_CHARS)
        .collect()
}

const MOST_MESSAGE_CHARS: usize = 500;
