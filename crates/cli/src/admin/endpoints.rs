//! Owns the paths and their answers.
//!
//! Must not know where they are served. Invariant: nothing here waits longer than [`BUILD_LIMIT`],
//! and no answer depends on anything of the request except its method, its path and, for metrics,
//! the form that it asks for.

use std::sync::Arc;

use futures::future::BoxFuture;
use futures::future::{Either, Ready, ready};
use hyper::body::Body;
use hyper::{Method, Request, StatusCode};
use prometheus_client::registry::Registry;
use serde::Serialize;

use super::exposition::Form;
use super::page::{BUILD_LIMIT, Page, PageSource, SharedPage};

/// Reports whether something in this process works. The text of an error is shown to the caller.
pub(crate) type HealthCheck = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// What is served at one address.
#[derive(Default)]
pub(crate) struct Endpoints {
    pages: Vec<(&'static str, PageSource)>,
    /// `/metrics` for those who ask for `OpenMetrics`.
    open_metrics: Option<PageSource>,
}

impl Endpoints {
    /// Adds `/healthz`: the answer itself shows that the event loop works, `check` shows the rest.
    pub(crate) fn health(self, check: HealthCheck) -> Self {
        self.check("/healthz", check)
    }

    /// Adds `/readyz`.
    pub(crate) fn readiness(self, check: HealthCheck) -> Self {
        self.check("/readyz", check)
    }

    /// Adds `/metrics`, in both forms.
    pub(crate) fn metrics(mut self, registry: Arc<Registry>) -> Self {
        self.open_metrics = Some(exposition(Form::OpenMetrics, Arc::clone(&registry)));
        self.page(METRICS, exposition(Form::Text, registry))
    }

    /// Adds `/status`.
    pub(crate) fn status<Status, Answer>(self, status: Status) -> Self
    where
        Status: Fn() -> Answer + Clone + Send + Sync + 'static,
        Answer: Serialize,
    {
        let build = move || -> BoxFuture<'static, Page> {
            let status = status.clone();
            Box::pin(async move { json(&status()) })
        };
        self.page("/status", PageSource::new(build))
    }

    /// The answer to a request. Its body is not read, and a request with a body is refused.
    pub(super) fn answer<Content: Body>(
        &self,
        request: &Request<Content>,
    ) -> Either<SharedPage, Ready<Page>> {
        let refuse = |status: StatusCode| Either::Right(ready(Page::text(status, "")));
        if !request.body().is_end_stream() {
            return refuse(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let path = request.uri().path();
        let Some((_path, source)) = self.pages.iter().find(|(known, _)| *known == path) else {
            return refuse(StatusCode::NOT_FOUND);
        };
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return refuse(StatusCode::METHOD_NOT_ALLOWED);
        }
        let open_metrics = self
            .open_metrics
            .as_ref()
            .filter(|_| path == METRICS && Form::wanted(request.headers()) == Form::OpenMetrics);
        Either::Left(open_metrics.unwrap_or(source).latest())
    }

    fn check(self, path: &'static str, check: HealthCheck) -> Self {
        let build = move || -> BoxFuture<'static, Page> { Box::pin(verdict(check())) };
        self.page(path, PageSource::new(build))
    }

    fn page(mut self, path: &'static str, source: PageSource) -> Self {
        self.pages.push((path, source));
        self
    }
}

async fn verdict(check: BoxFuture<'static, Result<(), String>>) -> Page {
    match tokio::time::timeout(BUILD_LIMIT, check).await {
        Ok(Ok(())) => Page::text(StatusCode::OK, "ok\n"),
        Ok(Err(reason)) => Page::text(StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
        Err(_elapsed) => {
            let reason = format!("no answer within {} s\n", BUILD_LIMIT.as_secs());
            Page::text(StatusCode::SERVICE_UNAVAILABLE, reason)
        }
    }
}

fn exposition(form: Form, registry: Arc<Registry>) -> PageSource {
    PageSource::new(move || {
        let registry = Arc::clone(&registry);
        Box::pin(async move {
            match form.write(&registry) {
                Ok(text) => Page {
                    status: StatusCode::OK,
                    content_type: form.content_type(),
                    body: text.into(),
                },
                Err(error) => {
                    tracing::error!(%error, "cannot encode the metrics");
                    Page::text(StatusCode::INTERNAL_SERVER_ERROR, "")
                }
            }
        })
    })
}

fn json(value: &impl Serialize) -> Page {
    match serde_json::to_vec(value) {
        Ok(body) => Page {
            status: StatusCode::OK,
            content_type: JSON,
            body: body.into(),
        },
        Err(error) => {
            tracing::error!(%error, "cannot encode the status");
            Page::text(StatusCode::INTERNAL_SERVER_ERROR, "")
        }
    }
}

/// A check that only needs the event loop to answer.
pub(crate) fn always() -> HealthCheck {
    Arc::new(|| Box::pin(async { Ok(()) }))
}

const METRICS: &str = "/metrics";

const JSON: &str = "application/json";
