//! The calls over HTTP.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use http::header::{AUTHORIZATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use kube::api::{DeleteParams, GetParams, PostParams, WatchParams};
use kube::client::Body;
use kube::core::Request as Target;
use kube::{Client, Resource as _};
use serde::de::DeserializeOwned;
use svid_api::certmanager::CertificateRequest;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::{ApiError, Events, Requests};
use crate::credential::{Credential, PodToken};

/// CertificateRequests on the cluster's API server.
///
/// Creates with a pod's token travel on a connection pool without credentials of its own;
/// everything else has the driver's own credentials, in node-attested mode creates too. The two
/// pools share no connection, so the driver's credentials are never sent by mistake where a pod's
/// belong.
#[derive(Clone)]
pub struct KubernetesRequests {
    driver: Client,
    anonymous: Client,
    health: ApiHealth,
    creates: Arc<Semaphore>,
}

/// Tells whoever waits that the API server answers again.
#[derive(Clone, Debug)]
pub struct ApiHealth(watch::Sender<Health>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Health {
    answers: bool,
    recoveries: u64,
}

impl Default for ApiHealth {
    fn default() -> Self {
        Self(watch::Sender::new(Health {
            answers: true,
            recoveries: 0,
        }))
    }
}

impl ApiHealth {
    /// Ends when the API server answers for the first time after it could not be reached.
    pub async fn recovered(&self) {
        let mut health = self.0.subscribe();
        let before = health.borrow_and_update().recoveries;
        // The sender lives as long as `self`.
        let _closed = health.wait_for(|now| now.recoveries != before).await;
    }

    fn note<T>(&self, result: &Result<T, ApiError>) {
        let answers = !matches!(
            result,
            Err(ApiError::Unreachable(_) | ApiError::TimedOut(_))
        );
        self.0.send_if_modified(|health| {
            let changed = health.answers != answers;
            health.answers = answers;
            health.recoveries += u64::from(changed && answers);
            changed
        });
    }
}

impl KubernetesRequests {
    /// Calls with the driver's own credentials go to `driver`; `anonymous` reaches the same
    /// cluster and sends no credentials.
    pub fn new(driver: Client, anonymous: Client, health: ApiHealth) -> Self {
        Self {
            driver,
            anonymous,
            health,
            creates: Arc::new(Semaphore::new(CREATES_AT_ONCE)),
        }
    }

    async fn call<T: DeserializeOwned>(
        &self,
        client: &Client,
        request: Result<Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<T, ApiError> {
        let exchange = async {
            let answer = client
                .send(built(request)?.map(Body::from))
                .await
                .map_err(|error| unreachable(&error))?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            let body = answer.into_body().collect_bytes().await;
            let body = body.map_err(|error| unreachable(&error))?;
            if status.is_success() {
                serde_json::from_slice(&body).map_err(|error| unreadable(&error))
            } else {
                Err(refusal(status, &headers, &body))
            }
        };
        let result = timeout(CALL_LIMIT, exchange)
            .await
            .unwrap_or(Err(ApiError::TimedOut(CALL_LIMIT)));
        self.health.note(&result);
        result
    }
}

impl Requests for KubernetesRequests {
    fn create<'a>(
        &'a self,
        credential: &'a Credential,
        request: &'a CertificateRequest,
    ) -> BoxFuture<'a, Result<CertificateRequest, ApiError>> {
        Box::pin(async move {
            let namespace = request.metadata.namespace.as_deref().unwrap_or_default();
            let body = serde_json::to_vec(request).map_err(|error| unreadable(&error))?;
            let mut call = built(target(namespace).create(&PostParams::default(), body))?;
            let client = match credential {
                Credential::Pod(token) => {
                    call.headers_mut().insert(AUTHORIZATION, bearer(token)?);
                    &self.anonymous
                }
                Credential::Driver => &self.driver,
            };
            let Ok(_permit) = self.creates.acquire().await else {
                return Err(ApiError::Unreachable("the driver is stopping".to_owned()));
            };
            self.call(client, Ok(call)).await
        })
    }

    fn read<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<CertificateRequest, ApiError>> {
        let call = target(namespace).get(name, &GetParams::default());
        Box::pin(self.call(&self.driver, call))
    }

    fn follow<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
        version: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Events, ApiError>> {
        Box::pin(async move {
            let parameters = WatchParams {
                field_selector: Some(format!("metadata.name={name}")),
                timeout: Some(WATCH_SECONDS),
                ..WatchParams::default()
            };
            let call = built(target(namespace).watch(&parameters, version.unwrap_or("")))?;
            let opened = timeout(CALL_LIMIT, self.driver.request_events(call)).await;
            let result = match opened {
                Ok(Ok(events)) => Ok(events),
                Ok(Err(error)) => Err(failure(&error)),
                Err(_elapsed) => Err(ApiError::TimedOut(CALL_LIMIT)),
            };
            self.health.note(&result);
            Ok(result?
                .map(|event| event.map_err(|error| failure(&error)))
                .boxed())
        })
    }

    fn delete<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async move {
            let call = target(namespace).delete(name, &DeleteParams::default());
            self.call::<serde_json::Value>(&self.driver, call).await?;
            Ok(())
        })
    }
}

fn target(namespace: &str) -> Target {
    Target::new(CertificateRequest::url_path(&(), Some(namespace)))
}

fn bearer(token: &PodToken) -> Result<HeaderValue, ApiError> {
    let text = Zeroizing::new(format!("Bearer {}", token.secret.as_str()));
    let Ok(mut value) = HeaderValue::from_str(&text) else {
        return Err(ApiError::Unauthorized(
            "it holds bytes that no token has".to_owned(),
        ));
    };
    value.set_sensitive(true);
    Ok(value)
}

fn built(
    request: Result<Request<Vec<u8>>, kube::core::request::Error>,
) -> Result<Request<Vec<u8>>, ApiError> {
    request.map_err(|error| ApiError::Refused {
        code: 0,
        message: format!("the call cannot be put together: {error}"),
    })
}

fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> ApiError {
    let seconds = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok());
    let retry_after = seconds
        .and_then(|text| text.trim().parse().ok())
        .map(Duration::from_secs);
    classify(status.as_u16(), &message(body), retry_after)
}

/// What a kube error is; its Debug and Display texts hold no header.
fn failure(error: &kube::Error) -> ApiError {
    if let kube::Error::Api(status) = error {
        return classify(status.code, &one_line(&status.message), None);
    }
    if let kube::Error::SerdeError(error) = error {
        return unreadable(error);
    }
    unreachable(error)
}

fn classify(code: u16, message: &str, retry_after: Option<Duration>) -> ApiError {
    let message = message.to_owned();
    match code {
        401 => ApiError::Unauthorized(message),
        403 => ApiError::Forbidden(message),
        404 => ApiError::NotFound,
        409 => ApiError::AlreadyExists,
        410 => ApiError::Expired,
        429 => ApiError::Throttled { retry_after },
        500.. => ApiError::Failed {
            code,
            message,
            retry_after,
        },
        _ => ApiError::Refused { code, message },
    }
}

fn unreachable(error: &kube::Error) -> ApiError {
    let mut text = error.to_string();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    ApiError::Unreachable(one_line(&text))
}

fn unreadable(error: &serde_json::Error) -> ApiError {
    ApiError::Unreadable(one_line(&error.to_string()))
}

fn message(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Status {
        message: String,
    }
    match serde_json::from_slice::<Status>(body) {
        Ok(status) => one_line(&status.message),
        Err(_not_a_status) => one_line(&String::from_utf8_lossy(body)),
    }
}

fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MOST_MESSAGE_CHARS)
        .collect()
}

/// Longer than the API server's own limit for a queued call, shorter than a publish waits.
const CALL_LIMIT: Duration = Duration::from_secs(20);
/// Seconds after which the server ends a watch; the wait opens the next.
const WATCH_SECONDS: u32 = 290;
/// Doubled, a node full of pods asks twice as many seats of the API server at once.
const CREATES_AT_ONCE: usize = 32;
/// Characters.
const MOST_MESSAGE_CHARS: usize = 600;
